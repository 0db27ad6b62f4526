//! Line plots as SVG, readable in light and dark.

use std::{fs, io, path::Path};

const WIDTH: f64 = 760.0;
const HEIGHT: f64 = 420.0;
const LEFT: f64 = 70.0;
const RIGHT: f64 = 190.0;
const TOP: f64 = 50.0;
const BOTTOM: f64 = 60.0;
/// Told apart by people who see colours differently (Okabe and Ito).
const COLOURS: [&str; 6] = [
    "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9",
];

/// Lines over one pair of axes that begin at zero.
#[derive(Clone, Debug)]
pub struct Plot {
    title: String,
    x_label: String,
    y_label: String,
    lines: Vec<Line>,
}

#[derive(Clone, Debug)]
struct Line {
    name: String,
    points: Vec<(f64, f64)>,
    dashed: bool,
}

impl Plot {
    /// An empty plot.
    #[must_use]
    pub fn new(title: &str, x_label: &str, y_label: &str) -> Self {
        Self {
            title: title.to_owned(),
            x_label: x_label.to_owned(),
            y_label: y_label.to_owned(),
            lines: Vec::new(),
        }
    }

    /// Adds a line through these points.
    pub fn line(&mut self, name: &str, points: Vec<(f64, f64)>) {
        self.add(name, points, false);
    }

    /// Adds a dashed line, for a bound.
    pub fn bound(&mut self, name: &str, points: Vec<(f64, f64)>) {
        self.add(name, points, true);
    }

    fn add(&mut self, name: &str, points: Vec<(f64, f64)>, dashed: bool) {
        self.lines.push(Line {
            name: name.to_owned(),
            points,
            dashed,
        });
    }

    /// Writes the plot.
    ///
    /// # Errors
    ///
    /// Whatever the file system says.
    pub fn save(&self, path: &Path) -> io::Result<()> {
        fs::write(path, self.to_svg())
    }

    fn to_svg(&self) -> String {
        let points = || self.lines.iter().flat_map(|line| &line.points);
        let x_end = nice_end(points().map(|point| point.0).fold(0.0, f64::max));
        let y_end = nice_end(points().map(|point| point.1).fold(0.0, f64::max));
        let x_at = |x: f64| LEFT + x / x_end * (WIDTH - LEFT - RIGHT);
        let y_at = |y: f64| HEIGHT - BOTTOM - y / y_end * (HEIGHT - TOP - BOTTOM);
        let mut svg = String::new();
        let mut put = |text: String| {
            svg.push_str(&text);
            svg.push('\n');
        };
        put(format!(
            r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="13"><rect width="100%" height="100%" fill="#ffffff"/>"##
        ));
        put(format!(
            r#"<text x="{LEFT}" y="26" font-size="17">{}</text>"#,
            escaped(&self.title)
        ));
        for step in 0..=5 {
            let share = f64::from(step) / 5.0;
            let (x, y) = (x_at(x_end * share), y_at(y_end * share));
            let (right, bottom) = (WIDTH - RIGHT, HEIGHT - BOTTOM);
            put(format!(
                r##"<line x1="{LEFT}" x2="{right}" y1="{y}" y2="{y}" stroke="#dddddd"/><text x="{}" y="{}" text-anchor="end">{}</text>"##,
                LEFT - 8.0,
                y + 4.0,
                short(y_end * share)
            ));
            put(format!(
                r#"<text x="{x}" y="{}" text-anchor="middle">{}</text>"#,
                bottom + 20.0,
                short(x_end * share)
            ));
        }
        put(format!(
            r#"<text x="{}" y="{}" text-anchor="middle">{}</text>"#,
            (LEFT + WIDTH - RIGHT) / 2.0,
            HEIGHT - 14.0,
            escaped(&self.x_label)
        ));
        put(format!(
            r#"<text transform="translate(20 {}) rotate(-90)" text-anchor="middle">{}</text>"#,
            HEIGHT / 2.0,
            escaped(&self.y_label)
        ));
        for (index, line) in self.lines.iter().enumerate() {
            let colour = COLOURS[index % COLOURS.len()];
            let dash = if line.dashed {
                r#" stroke-dasharray="6 5""#
            } else {
                ""
            };
            let path: Vec<String> = line
                .points
                .iter()
                .map(|(x, y)| format!("{:.1},{:.1}", x_at(*x), y_at(*y)))
                .collect();
            let path = path.join(" ");
            put(format!(
                r#"<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2.5"{dash}/>"#
            ));
            let marks = line.points.iter().filter(|_| !line.dashed);
            for (x, y) in marks {
                put(format!(
                    r#"<circle cx="{:.1}" cy="{:.1}" r="4" fill="{colour}"/>"#,
                    x_at(*x),
                    y_at(*y)
                ));
            }
            let y = TOP + 22.0 * f64::from(u32::try_from(index).unwrap_or(u32::MAX));
            let x = WIDTH - RIGHT + 14.0;
            put(format!(
                r#"<line x1="{x}" x2="{}" y1="{y}" y2="{y}" stroke="{colour}" stroke-width="2.5"{dash}/><text x="{}" y="{}">{}</text>"#,
                x + 22.0,
                x + 30.0,
                y + 4.0,
                escaped(&line.name)
            ));
        }
        put("</svg>".to_owned());
        svg
    }
}

/// The end of an axis: one, two or five of a power of ten, at or above the largest value.
fn nice_end(largest: f64) -> f64 {
    let largest = if largest > 0.0 { largest } else { 1.0 };
    let magnitude = 10_f64.powf(largest.log10().floor());
    let nice = [1.0, 2.0, 2.5, 5.0, 10.0].map(|factor| factor * magnitude);
    nice.into_iter()
        .find(|end| *end >= largest)
        .unwrap_or(largest)
}

fn short(number: f64) -> String {
    let text = format!("{number:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_end_at_round_numbers() {
        for (largest, end) in [
            (0.0, 1.0),
            (0.7, 1.0),
            (9.0, 10.0),
            (101.0, 200.0),
            (220.0, 250.0),
        ] {
            assert!((nice_end(largest) - end).abs() < 1e-9, "{largest}");
        }
    }

    #[test]
    fn a_plot_names_its_lines_and_escapes_them() {
        let mut plot = Plot::new("a < b", "x", "y");
        plot.line("one", vec![(0.0, 1.0), (5.0, 10.0)]);
        let svg = plot.to_svg();
        assert!(svg.contains("a &lt; b") && svg.contains(">one</text>"));
        assert!(svg.contains(r#"points="70.0,329.0 570.0,50.0""#), "{svg}");
    }
}
