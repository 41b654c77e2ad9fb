//! Counts as Prometheus reads them. Each metric stands here once, with its help,
//! which README.md repeats.

mod families;
mod writer;

use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;
use prometheus_client::encoding::text::encode;
use prometheus_client::registry::Registry;

use super::snapshot::Snapshot;
use super::text::plain;

/// How metrics are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Plain,
    OpenMetrics,
}

impl Form {
    /// The newer one if it is asked for.
    pub(super) fn accepted<'h>(mut accept: impl Iterator<Item = &'h str>) -> Form {
        match accept.any(|value| value.contains("application/openmetrics-text")) {
            true => Form::OpenMetrics,
            false => Form::Plain,
        }
    }

    pub(super) fn content_type(self) -> &'static str {
        match self {
            Form::Plain => "text/plain; version=0.0.4; charset=utf-8",
            Form::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }
}

/// The whole text of one scrape.
pub(super) fn render(snapshot: Snapshot, form: Form) -> Result<String, fmt::Error> {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(Scrape(snapshot)));
    let mut text = String::new();
    encode(&mut text, &registry)?;
    Ok(match form {
        Form::Plain => plain(&text),
        Form::OpenMetrics => text,
    })
}

/// What one scrape tells.
#[derive(Debug)]
struct Scrape(Snapshot);

impl Collector for Scrape {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        families::write(&self.0, &mut writer::Writer::new(encoder))
    }
}

#[cfg(test)]
mod tests;
