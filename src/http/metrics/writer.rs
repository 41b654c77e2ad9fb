//! Families of samples, written with `prometheus_client`.

use std::fmt;

use prometheus_client::encoding::{DescriptorEncoder, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;

use crate::stats::{BOUNDS_US, HistogramCounts};

/// A label's name and its value. Neither ever comes from a caller.
pub(super) type Label<'l> = (&'static str, &'l str);

/// Writes one family after the other.
pub(super) struct Writer<'e>(DescriptorEncoder<'e>);

impl<'e> Writer<'e> {
    pub(super) fn new(encoder: DescriptorEncoder<'e>) -> Writer<'e> {
        Writer(encoder)
    }

    /// A sample of a counter has `_total` behind the name.
    pub(super) fn counters<'l, const N: usize>(
        &mut self,
        name: &str,
        help: &str,
        samples: impl IntoIterator<Item = ([Label<'l>; N], u64)>,
    ) -> fmt::Result {
        let mut family = self.family(name, help, MetricType::Counter)?;
        for (labels, value) in samples {
            with_labels(&mut family, &labels, |sample| {
                sample.encode_counter::<NoLabelSet, _, u64>(&value, None)
            })?;
        }
        Ok(())
    }

    pub(super) fn counter(&mut self, name: &str, help: &str, value: u64) -> fmt::Result {
        self.counters(name, help, [([], value)])
    }

    pub(super) fn gauges<'l, const N: usize>(
        &mut self,
        name: &str,
        help: &str,
        samples: impl IntoIterator<Item = ([Label<'l>; N], u64)>,
    ) -> fmt::Result {
        let mut family = self.family(name, help, MetricType::Gauge)?;
        for (labels, value) in samples {
            with_labels(&mut family, &labels, |sample| sample.encode_gauge(&value))?;
        }
        Ok(())
    }

    /// Left out if it is not known.
    pub(super) fn gauge(
        &mut self,
        name: &str,
        help: &str,
        value: impl Into<Option<u64>>,
    ) -> fmt::Result {
        let value: Option<u64> = value.into();
        self.gauges(name, help, value.map(|value| ([], value)))
    }

    pub(super) fn seconds_counter(
        &mut self,
        name: &str,
        help: &str,
        value: Option<f64>,
    ) -> fmt::Result {
        let mut family = self.family(name, help, MetricType::Counter)?;
        match value {
            Some(value) => family.encode_counter::<NoLabelSet, _, u64>(&value, None),
            None => Ok(()),
        }
    }

    pub(super) fn seconds_gauge(&mut self, name: &str, help: &str, value: f64) -> fmt::Result {
        let mut family = self.family(name, help, MetricType::Gauge)?;
        family.encode_gauge(&value)
    }

    pub(super) fn histograms<'l, const N: usize>(
        &mut self,
        name: &str,
        help: &str,
        samples: impl IntoIterator<Item = ([Label<'l>; N], &'l HistogramCounts)>,
    ) -> fmt::Result {
        let mut family = self.family(name, help, MetricType::Histogram)?;
        let bounds = BOUNDS_US.iter().map(|&bound| bound as f64 / 1e6);
        let bounds: Vec<f64> = bounds.chain([f64::INFINITY]).collect();
        for (labels, counts) in samples {
            let buckets: Vec<(f64, u64)> = bounds.iter().copied().zip(counts.classes).collect();
            let (sum, count) = (counts.sum.as_secs_f64(), counts.count());
            with_labels(&mut family, &labels, |sample| {
                sample.encode_histogram::<NoLabelSet>(sum, count, &buckets, None)
            })?;
        }
        Ok(())
    }

    fn family<'s>(
        &'s mut self,
        name: &'s str,
        help: &str,
        kind: MetricType,
    ) -> Result<MetricEncoder<'s>, fmt::Error> {
        self.0.encode_descriptor(name, help, None, kind)
    }
}

fn with_labels<const N: usize>(
    family: &mut MetricEncoder<'_>,
    labels: &[Label<'_>; N],
    write: impl FnOnce(&mut MetricEncoder<'_>) -> fmt::Result,
) -> fmt::Result {
    match N {
        0 => write(family),
        _ => write(&mut family.encode_family(labels)?),
    }
}
