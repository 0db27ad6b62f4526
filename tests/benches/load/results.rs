//! Medians with their spread, as tables, JSON and plots.

use std::{collections::BTreeMap, fs};

use serde_json::{Value, json};
use tiltyard_tests::bench::{Plot, Table, output_folder, percentile, sorted};

/// What was measured, by row and figure, once for each run.
pub(crate) struct Results {
    name: &'static str,
    title: &'static str,
    figures: Vec<&'static str>,
    rows: Vec<(String, BTreeMap<&'static str, Vec<f64>>)>,
    errors: BTreeMap<String, u64>,
}

impl Results {
    pub(crate) fn new(name: &'static str, title: &'static str) -> Self {
        Self {
            name,
            title,
            figures: Vec::new(),
            rows: Vec::new(),
            errors: BTreeMap::new(),
        }
    }

    /// One run of one row.
    pub(crate) fn add(&mut self, row: &str, figures: &[(&'static str, f64)]) {
        for (figure, _) in figures {
            if !self.figures.contains(figure) {
                self.figures.push(figure);
            }
        }
        let index = self.rows.iter().position(|(name, _)| name == row);
        let index = index.unwrap_or_else(|| {
            self.rows.push((row.to_owned(), BTreeMap::new()));
            self.rows.len() - 1
        });
        for (figure, value) in figures {
            self.rows[index].1.entry(figure).or_default().push(*value);
        }
    }

    /// What went wrong, which a table must not hide.
    pub(crate) fn note_errors(&mut self, row: &str, errors: &BTreeMap<String, u64>) {
        for (kind, count) in errors {
            *self.errors.entry(format!("{row}: {kind}")).or_default() += count;
        }
    }

    /// The median of a figure.
    pub(crate) fn median(&self, row: &str, figure: &str) -> Option<f64> {
        let (_, figures) = self.rows.iter().find(|(name, _)| name == row)?;
        Some(percentile(&sorted(figures.get(figure)?.clone()), 0.5))
    }

    /// Prints the table and writes the files; `plotted` is drawn over the rows.
    pub(crate) fn finish(&self, plotted: &'static str) {
        println!("\n{}: {}", self.name, self.title);
        let mut head = vec!["", "runs"];
        head.extend(&self.figures);
        let mut table = Table::new(&head);
        let mut rows = Vec::new();
        for (name, figures) in &self.rows {
            let runs = figures.values().map(Vec::len).max().unwrap_or(0);
            let mut cells = vec![name.clone(), runs.to_string()];
            let mut row = serde_json::Map::new();
            for figure in &self.figures {
                let values = sorted(figures.get(figure).cloned().unwrap_or_default());
                let (least, most) = (values.first(), values.last());
                cells.push(match (least, most) {
                    (Some(least), Some(most)) => {
                        let median = number(percentile(&values, 0.5));
                        format!("{median} ({}-{})", number(*least), number(*most))
                    }
                    _ => String::new(),
                });
                row.insert((*figure).to_owned(), json!(values));
            }
            table.row(cells);
            rows.push(json!({ "name": name, "figures": Value::Object(row) }));
        }
        println!("{table}");
        for (error, count) in &self.errors {
            println!("{count} times {error}");
        }
        let folder = output_folder();
        let document =
            json!({ "name": self.name, "title": self.title, "rows": rows, "errors": self.errors });
        let text = serde_json::to_string_pretty(&document).expect("it is JSON");
        fs::write(folder.join(format!("{}.json", self.name)), text).expect("a file");
        let mut plot = Plot::new(self.title, "run", plotted);
        for (name, figures) in &self.rows {
            let values = figures.get(plotted).into_iter().flatten();
            let points = values
                .enumerate()
                .map(|(run, value)| (run as f64 + 1.0, *value));
            plot.line(name, points.collect());
        }
        plot.save(&folder.join(format!("{}.svg", self.name)))
            .expect("a file");
    }
}

fn number(value: f64) -> String {
    match value.abs() {
        size if size >= 1000.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        size if size >= 0.1 || size == 0.0 => format!("{value:.2}"),
        _ => format!("{value:.4}"),
    }
}
