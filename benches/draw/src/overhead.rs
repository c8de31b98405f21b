//! What a request costs over the bare service, by peer: a bar each, the cheapest first.

use std::error::Error;
use std::path::Path;

use plotters::prelude::*;

use crate::{ATTACHING, INK, OURS, RETRYING};

const WIDTH: i32 = 860;
const ROW: i32 = 26;
const TOP: i32 = 58;
/// Where the bars begin, and the length of the longest.
const LEFT: i32 = 350;
const LONGEST: i32 = 420;

struct Bar {
    peer: String,
    nanoseconds: f64,
    color: RGBColor,
}

pub fn draw(results: &Path, picture: &Path) -> Result<(), Box<dyn Error>> {
    let bars = bars(results)?;
    let longest = bars.last().ok_or("no results")?.nanoseconds;
    let height = TOP + ROW * bars.len() as i32 + 40;
    let area = SVGBackend::new(picture, (WIDTH as u32, height as u32)).into_drawing_area();
    area.fill(&WHITE)?;
    let text = |size: i32| ("sans-serif", size).into_font().color(&INK);
    area.draw(&Text::new(
        "A request with its token in hand: ns over the bare service (median; less is better)",
        (16, 16),
        text(17),
    ))?;
    for (row, bar) in (0..).zip(&bars) {
        let y = TOP + ROW * row;
        let end = LEFT + (bar.nanoseconds / longest * f64::from(LONGEST)) as i32;
        area.draw(&Text::new(bar.peer.clone(), (16, y + 2), text(14)))?;
        area.draw(&Rectangle::new(
            [(LEFT, y), (end.max(LEFT + 1), y + ROW - 8)],
            bar.color.filled(),
        ))?;
        area.draw(&Text::new(
            format!("{:.0}", bar.nanoseconds),
            (end + 6, y + 2),
            text(14),
        ))?;
    }
    let legend = [
        (OURS, "tower-bearer", 16),
        (RETRYING, "can repeat a refused request", 150),
        (ATTACHING, "attaches a token only", 400),
    ];
    let y = height - 30;
    for (color, meaning, x) in legend {
        area.draw(&Rectangle::new([(x, y), (x + 14, y + 14)], color.filled()))?;
        area.draw(&Text::new(meaning, (x + 22, y), text(14)))?;
    }
    area.present()?;
    Ok(())
}

fn bars(results: &Path) -> Result<Vec<Bar>, Box<dyn Error>> {
    let mut reader = crate::read(results)?;
    let headers = reader.headers()?.clone();
    let column = |name| headers.iter().position(|header| header == name).ok_or(name);
    let (peer, scenario) = (column("peer")?, column("scenario")?);
    let (can_retry, over) = (column("can_retry")?, column("ns_over_noop")?);
    let mut bars = Vec::new();
    for record in reader.records() {
        let record = record?;
        if &record[scenario] != "accepted" || record[peer].contains("no-op") {
            continue;
        }
        let color = match (&record[peer], &record[can_retry]) {
            (peer, _) if peer.starts_with("tower-bearer") => OURS,
            (_, "yes") => RETRYING,
            _ => ATTACHING,
        };
        bars.push(Bar {
            peer: record[peer].to_owned(),
            nanoseconds: record[over].parse()?,
            color,
        });
    }
    bars.sort_by(|a, b| a.nanoseconds.total_cmp(&b.nanoseconds));
    Ok(bars)
}
