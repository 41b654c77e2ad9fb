//! The older text form of Prometheus, made of the newer one, OpenMetrics, which
//! `prometheus_client` writes. They differ in the head of a counter, whose name
//! there lacks the `_total` of its samples, and in lines that only one of them has.

/// What `text/plain; version=0.0.4` says of the same.
pub(super) fn plain(open_metrics: &str) -> String {
    let mut plain = String::with_capacity(open_metrics.len());
    // The help comes before the type, which says whether the name is a counter's.
    let mut help = None;
    for line in open_metrics.lines() {
        if line == "# EOF" || line.starts_with("# UNIT ") {
            continue;
        }
        if line.starts_with("# HELP ") {
            help = Some(line);
            continue;
        }
        let of_counter = line.starts_with("# TYPE ") && line.ends_with(" counter");
        for line in help.take().into_iter().chain([line]) {
            match of_counter {
                true => plain.push_str(&of_total(line)),
                false => plain.push_str(line),
            }
            plain.push('\n');
        }
    }
    plain
}

/// `# HELP name …` or `# TYPE name …` with the name that samples have.
fn of_total(line: &str) -> String {
    let mut words = line.splitn(4, ' ');
    let mut next = || words.next().unwrap_or_default();
    let (hash, what, name, rest) = (next(), next(), next(), next());
    format!("{hash} {what} {name}_total {rest}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counter_has_its_whole_name_everywhere() {
        let open = "# HELP a_b Help me.\n# TYPE a_b counter\na_b_total{x=\"y\"} 1\n\
                    # HELP g A gauge.\n# TYPE g gauge\n# UNIT g seconds\ng 2\n# EOF\n";
        let expected = "# HELP a_b_total Help me.\n# TYPE a_b_total counter\n\
                        a_b_total{x=\"y\"} 1\n# HELP g A gauge.\n# TYPE g gauge\ng 2\n";
        assert_eq!(plain(open), expected);
    }
}
