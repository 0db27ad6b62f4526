//! What benches share: percentiles, tables, plots, and where results are kept.

mod plot;
mod table;

use std::path::PathBuf;

pub use self::{plot::Plot, table::Table};

/// The folder for what benches write: `bench` in the build folder.
///
/// # Panics
///
/// If it cannot be made.
#[must_use]
pub fn output_folder() -> PathBuf {
    let built = std::env::current_exe().expect("a program knows where it is");
    let target = built
        .ancestors()
        .find(|folder| folder.ends_with("target") || folder.join("CACHEDIR.TAG").exists())
        .expect("benches are built into a build folder");
    let folder = target.join("bench");
    std::fs::create_dir_all(&folder).expect("the build folder can be written to");
    folder
}

/// The value below which this share of the sorted values lies; nearest rank.
#[must_use]
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "a rank within a list"
)]
pub fn percentile(sorted: &[f64], share: f64) -> f64 {
    let rank = (share * sorted.len() as f64).ceil() as usize;
    let index = rank.clamp(1, sorted.len().max(1)) - 1;
    sorted.get(index).copied().unwrap_or(f64::NAN)
}

/// The values in order.
#[must_use]
pub fn sorted(mut values: Vec<f64>) -> Vec<f64> {
    values.sort_by(f64::total_cmp);
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_values_that_occurred() {
        let values = sorted(vec![5.0, 1.0, 4.0, 2.0, 3.0]);
        assert_eq!(percentile(&values, 0.5), 3.0);
        assert_eq!(percentile(&values, 0.99), 5.0);
        assert_eq!(percentile(&values, 0.0), 1.0);
        assert!(percentile(&[], 0.5).is_nan());
    }
}
