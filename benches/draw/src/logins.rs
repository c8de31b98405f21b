//! Logins made, by how many concurrent requests had their token refused.

use std::collections::BTreeMap;
use std::error::Error;
use std::path::Path;

use crate::lines::{Chart, Line};
use crate::{ATTACHING, OURS, RETRYING};

/// Concurrent requests and logins, by client.
type Logins = BTreeMap<String, Vec<(f64, f64)>>;

pub fn draw(results: &Path, picture: &Path) -> Result<(), Box<dyn Error>> {
    let chart = Chart {
        caption: "Logins for one revoked token",
        x: ("concurrent requests that were refused", 1.0..10_000.0),
        y: ("logins", 0.8..10_000.0),
        height: 420,
    };
    let lines = logins(results)?.into_iter().map(|(client, points)| {
        let color = match &*client {
            "tower-bearer" => OURS,
            client if client.contains("Mutex") => RETRYING,
            _ => ATTACHING,
        };
        Line {
            label: client,
            color,
            points,
        }
    });
    chart.draw(lines.collect(), picture)
}

/// Medians, of each client.
fn logins(results: &Path) -> Result<Logins, Box<dyn Error>> {
    let mut clients = Logins::new();
    for record in crate::read(results)?.records() {
        let record = record?;
        let requests = record[0].parse()?;
        let median = record[2].split(' ').next().ok_or("no median")?;
        clients
            .entry(record[1].to_owned())
            .or_default()
            .push((requests, median.parse()?));
    }
    Ok(clients)
}
