//! Logins for each token, by how many processes share it.

use std::collections::BTreeMap;
use std::error::Error;
use std::path::Path;

use plotters::prelude::*;

use crate::{ATTACHING, INK, OURS};

/// Processes and logins per rotation, by store.
type Logins = BTreeMap<String, Vec<(f64, f64)>>;

pub fn draw(results: &Path, picture: &Path) -> Result<(), Box<dyn Error>> {
    let area = SVGBackend::new(picture, (860, 340)).into_drawing_area();
    area.fill(&WHITE)?;
    let text = |size: i32| ("sans-serif", size).into_font().color(&INK);
    let mut chart = ChartBuilder::on(&area)
        .caption("Logins for each new token of a fleet", text(17))
        .margin(16)
        .margin_right(40)
        .x_label_area_size(44)
        .y_label_area_size(64)
        .build_cartesian_2d(0.0..17.0, 0.0..17.0)?;
    let whole = |number: &f64| format!("{number:.0}");
    chart
        .configure_mesh()
        .disable_mesh()
        .x_desc("processes")
        .y_desc("logins per rotation")
        .x_label_formatter(&whole)
        .y_label_formatter(&whole)
        .label_style(text(14))
        .axis_style(INK)
        .draw()?;
    for (store, points) in logins(results)? {
        let (color, label) = match store.starts_with("baseline") {
            true => (ATTACHING, "without a store"),
            false => (OURS, "over a file"),
        };
        let style = color.stroke_width(3);
        chart
            .draw_series(LineSeries::new(points, style).point_size(4))?
            .label(label)
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

fn logins(results: &Path) -> Result<Logins, Box<dyn Error>> {
    let mut stores = Logins::new();
    for record in crate::read(results)?.records() {
        let record = record?;
        let point = (record[0].parse()?, record[4].parse()?);
        stores.entry(record[1].to_owned()).or_default().push(point);
    }
    Ok(stores)
}
