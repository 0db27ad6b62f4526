//! Reads what Prometheus reads, and is strict about it.
//!
//! The format is OpenMetrics 1.0: descriptions (`# HELP`, `# TYPE`, `# UNIT`) come before the samples of
//! their metric, no metric and no series comes twice, and `# EOF` comes last.

use std::collections::{BTreeMap, BTreeSet};

/// Everything on one page, by the name of the metric.
pub type Page = BTreeMap<String, Metric>;

/// One metric.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Metric {
    /// `counter`, `gauge` or `histogram`.
    pub kind: String,
    /// What it means.
    pub help: String,
    /// In what it is counted; empty for numbers of things.
    pub unit: String,
    /// Its samples, in order.
    pub samples: Vec<Sample>,
}

/// One line.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// What follows the name of the metric: `_total`, `_bucket`, `_sum`, `_count` or nothing.
    pub suffix: String,
    /// Names and values of labels.
    pub labels: BTreeMap<String, String>,
    /// The value.
    pub value: f64,
}

impl Metric {
    /// The value of the only sample with these labels; others may be there too.
    #[must_use]
    pub fn value(&self, labels: &[(&str, &str)]) -> Option<f64> {
        let has = |sample: &&Sample| {
            let mut labels = labels.iter();
            labels.all(|(name, value)| sample.labels.get(*name).is_some_and(|v| v == value))
        };
        let mut found = self.samples.iter().filter(has);
        let first = found.next()?;
        found.next().is_none().then_some(first.value)
    }

    /// The names of its labels, but for those that everything has, and the bounds of buckets.
    #[must_use]
    pub fn labels(&self) -> BTreeSet<&str> {
        let names = self.samples.iter().flat_map(|sample| sample.labels.keys());
        let names = names.map(String::as_str);
        names
            .filter(|name| !["node_name", "le"].contains(name))
            .collect()
    }
}

/// Reads a page.
///
/// # Errors
///
/// What is wrong, with the line.
pub fn parse(text: &str) -> Result<Page, String> {
    let body = text
        .strip_suffix("# EOF\n")
        .ok_or("the page does not end with # EOF")?;
    let mut page = Page::new();
    let mut name = String::new();
    let mut seen = BTreeSet::new();
    for line in body.lines() {
        let wrong = |what: &str| format!("{what}: {line}");
        if let Some(help) = line.strip_prefix("# HELP ") {
            let (own, help) = help.split_once(' ').ok_or_else(|| wrong("no help"))?;
            own.clone_into(&mut name);
            check_name(own).ok_or_else(|| wrong("no name"))?;
            let metric = Metric {
                help: help.to_owned(),
                ..Metric::default()
            };
            if page.insert(name.clone(), metric).is_some() {
                return Err(wrong("described twice"));
            }
            continue;
        }
        let metric = page.get_mut(&name).ok_or_else(|| wrong("not described"))?;
        if let Some(rest) = line.strip_prefix('#') {
            describe(metric, &name, rest).ok_or_else(|| wrong("a wrong description"))?;
            continue;
        }
        let (series, sample) = sample(&name, line).ok_or_else(|| wrong("no sample"))?;
        if !seen.insert(series) {
            return Err(wrong("a series comes twice"));
        }
        metric.samples.push(sample);
    }
    for (name, metric) in &page {
        check(metric).map_err(|what| format!("{name}: {what}"))?;
    }
    Ok(page)
}

fn describe(metric: &mut Metric, name: &str, rest: &str) -> Option<()> {
    let mut words = rest.strip_prefix(' ')?.split(' ');
    let (what, own, value) = (words.next()?, words.next()?, words.next()?);
    let field = match what {
        "TYPE" => &mut metric.kind,
        "UNIT" => &mut metric.unit,
        _ => return None,
    };
    let is_new = field.is_empty() && metric.samples.is_empty();
    value.clone_into(field);
    let fits = what == "TYPE" || name.ends_with(&format!("_{value}"));
    (is_new && fits && own == name && words.next().is_none()).then_some(())
}

fn check_name(name: &str) -> Option<()> {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let begins = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    (begins && name.chars().all(fits)).then_some(())
}

/// One sample, and what no other may be equal to.
fn sample<'a>(name: &str, line: &'a str) -> Option<(&'a str, Sample)> {
    let (series, value) = line.rsplit_once(' ')?;
    let rest = series.strip_prefix(name)?;
    let (suffix, labels) = match rest.split_once('{') {
        Some((suffix, labels)) => (suffix, read_labels(labels.strip_suffix('}')?)?),
        None => (rest, BTreeMap::new()),
    };
    let sample = Sample {
        suffix: suffix.to_owned(),
        labels,
        value: value.parse().ok()?,
    };
    Some((series, sample))
}

/// Reads `name="value",…`; in values a backslash stands before quotes, backslashes and `n`.
fn read_labels(text: &str) -> Option<BTreeMap<String, String>> {
    let mut labels = BTreeMap::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (name, after) = rest.split_once("=\"")?;
        check_name(name)?;
        let mut value = String::new();
        let mut characters = after.char_indices();
        let end = loop {
            match characters.next()? {
                (at, '"') => break at,
                (_, '\\') => value.push(match characters.next()?.1 {
                    'n' => '\n',
                    c @ ('"' | '\\') => c,
                    _ => return None,
                }),
                (_, c) => value.push(c),
            }
        };
        if labels.insert(name.to_owned(), value).is_some() {
            return None;
        }
        rest = &after[end + 1..];
        if !rest.is_empty() {
            rest = rest.strip_prefix(',').filter(|rest| !rest.is_empty())?;
        }
    }
    Some(labels)
}

fn check(metric: &Metric) -> Result<(), String> {
    let suffixes: &[&str] = match metric.kind.as_str() {
        "counter" => &["_total"],
        "gauge" => &[""],
        "histogram" => &["_bucket", "_sum", "_count"],
        kind => return Err(format!("of no known type: {kind:?}")),
    };
    if metric.samples.is_empty() {
        return Err("no samples".to_owned());
    }
    for sample in &metric.samples {
        if !suffixes.contains(&sample.suffix.as_str()) {
            return Err(format!("a sample that does not fit its type: {sample:?}"));
        }
        if !sample.value.is_finite() || (metric.kind != "gauge" && sample.value < 0.0) {
            return Err(format!("a value that cannot be: {sample:?}"));
        }
    }
    match metric.kind.as_str() {
        "histogram" => check_buckets(metric),
        _ => Ok(()),
    }
}

/// Buckets grow, and the last one counts everything.
fn check_buckets(metric: &Metric) -> Result<(), String> {
    let mut buckets: BTreeMap<Vec<(String, String)>, Vec<(f64, f64)>> = BTreeMap::new();
    let mut counts = BTreeMap::new();
    for sample in &metric.samples {
        let mut labels = sample.labels.clone();
        let bound = labels.remove("le");
        let labels: Vec<_> = labels.into_iter().collect();
        match (sample.suffix.as_str(), bound) {
            ("_bucket", Some(bound)) => {
                let bound: f64 = bound.parse().map_err(|_| format!("a bound of {bound:?}"))?;
                buckets
                    .entry(labels)
                    .or_default()
                    .push((bound, sample.value));
            }
            ("_count", None) => _ = counts.insert(labels, sample.value),
            ("_sum", None) => {}
            _ => return Err(format!("no part of a histogram: {sample:?}")),
        }
    }
    for (labels, count) in counts {
        let own = buckets.remove(&labels).unwrap_or_default();
        let grows = own
            .windows(2)
            .all(|pair| pair[0].0 < pair[1].0 && pair[0].1 <= pair[1].1);
        if !grows || own.last() != Some(&(f64::INFINITY, count)) {
            return Err(format!("buckets that do not add up: {labels:?}"));
        }
    }
    match buckets.is_empty() {
        true => Ok(()),
        false => Err("buckets without a count".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_read() {
        let page = parse(
            "# HELP a_seconds What.\n# TYPE a_seconds histogram\n# UNIT a_seconds seconds\n\
             a_seconds_sum{x=\"\\\"1\\\\\"} 0.5\na_seconds_count{x=\"\\\"1\\\\\"} 1\n\
             a_seconds_bucket{le=\"1.0\",x=\"\\\"1\\\\\"} 1\na_seconds_bucket{le=\"+Inf\",x=\"\\\"1\\\\\"} 1\n\
             # EOF\n",
        )
        .unwrap();
        let metric = &page["a_seconds"];
        assert_eq!(
            (metric.kind.as_str(), metric.unit.as_str()),
            ("histogram", "seconds")
        );
        assert_eq!(metric.samples[0].labels["x"], "\"1\\");
    }

    #[test]
    fn what_prometheus_would_refuse_is_refused() {
        let head = "# HELP a A.\n# TYPE a counter\n";
        for (body, why) in [
            ("a_total 1\n", "no end"),
            ("a 1\n# EOF\n", "a counter without its suffix"),
            ("a_total 1\na_total 2\n# EOF\n", "twice"),
            ("a_total -1\n# EOF\n", "a counter below zero"),
            ("a_total{x=1} 1\n# EOF\n", "a value without quotes"),
            ("a_total{x=\"1\",x=\"2\"} 1\n# EOF\n", "a label twice"),
            ("b_total 1\n# EOF\n", "not described"),
            ("# EOF\n", "no samples"),
        ] {
            assert!(parse(&format!("{head}{body}")).is_err(), "{why}");
        }
        let head = "# HELP h H.\n# TYPE h histogram\n";
        let sum = "h_sum 1\nh_count 2\n";
        let fewer = "h_bucket{le=\"1.0\"} 2\nh_bucket{le=\"+Inf\"} 1\n# EOF\n";
        assert!(
            parse(&format!("{head}{sum}{fewer}")).is_err(),
            "buckets that shrink"
        );
    }
}
