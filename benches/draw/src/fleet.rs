//! Logins for each token, by how many processes share it.

use std::collections::BTreeMap;
use std::error::Error;
use std::path::Path;

use crate::lines::{Chart, Line};
use crate::{ATTACHING, OURS};

/// Processes and logins per rotation, by store.
type Logins = BTreeMap<String, Vec<(f64, f64)>>;

pub fn draw(results: &Path, picture: &Path) -> Result<(), Box<dyn Error>> {
    let chart = Chart {
        caption: "Logins for each new token of a fleet",
        x: ("processes", 1.0..16.0),
        y: ("logins per rotation", 0.8..20.0),
        height: 340,
    };
    let lines = logins(results)?.into_iter().map(|(store, points)| {
        let (color, label) = match store.starts_with("baseline") {
            true => (ATTACHING, "without a store"),
            false => (OURS, "over a file"),
        };
        Line {
            label: label.to_owned(),
            color,
            points,
        }
    });
    chart.draw(lines.collect(), picture)
}

fn logins(results: &Path) -> Result<Logins, Box<dyn Error>> {
    let mut stores = Logins::new();
    for record in crate::read(results)?.records() {
        let record = record?;
        let point = (record[0].parse()?, record[4].parse()?);
        stores.entry(record[1].to_owned()).or_default().push(point);
    }
    Ok(stores)
}
