//! Logins made, by how many concurrent requests had their token refused.

use std::collections::BTreeMap;
use std::error::Error;
use std::path::Path;

use plotters::prelude::*;

use crate::{ATTACHING, INK, OURS, RETRYING};

/// Concurrent requests and logins, by client.
type Logins = BTreeMap<String, Vec<(f64, f64)>>;

pub fn draw(results: &Path, picture: &Path) -> Result<(), Box<dyn Error>> {
    let area = SVGBackend::new(picture, (860, 420)).into_drawing_area();
    area.fill(&WHITE)?;
    let text = |size: i32| ("sans-serif", size).into_font().color(&INK);
    let mut chart = ChartBuilder::on(&area)
        .caption("Logins for one revoked token", text(17))
        .margin(16)
        .margin_right(40)
        .x_label_area_size(44)
        .y_label_area_size(64)
        .build_cartesian_2d((1.0..10_000.0).log_scale(), (0.8..10_000.0).log_scale())?;
    let whole = |number: &f64| format!("{number:.0}");
    chart
        .configure_mesh()
        .disable_mesh()
        .x_desc("concurrent requests that were refused")
        .y_desc("logins")
        .x_label_formatter(&whole)
        .y_label_formatter(&whole)
        .label_style(text(14))
        .axis_style(INK)
        .draw()?;
    for (client, points) in logins(results)? {
        let color = match &*client {
            "tower-bearer" => OURS,
            client if client.contains("Mutex") => RETRYING,
            _ => ATTACHING,
        };
        let style = color.stroke_width(3);
        chart
            .draw_series(LineSeries::new(points, style).point_size(4))?
            .label(client)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 20, y)], style));
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperLeft)
        .label_font(text(14))
        .border_style(WHITE)
        .draw()?;
    area.present()?;
    Ok(())
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
