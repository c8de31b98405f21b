//! Draws the recorded results for `docs::performance`: `cargo run --manifest-path benches/draw/Cargo.toml`.

mod fleet;
mod lines;
mod logins;
mod overhead;

use std::error::Error;
use std::path::Path;

use csv::{Reader, ReaderBuilder};
use plotters::style::RGBColor;

/// Ours; others that repeat a refused request; others that do not; text and axes.
const OURS: RGBColor = RGBColor(0xc2, 0x41, 0x0c);
const RETRYING: RGBColor = RGBColor(0x47, 0x55, 0x69);
const ATTACHING: RGBColor = RGBColor(0xa8, 0xb3, 0xc2);
const INK: RGBColor = RGBColor(0x1f, 0x29, 0x37);

fn main() -> Result<(), Box<dyn Error>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let results = root.join("benches/results");
    let pictures = root.join("src/docs/performance");
    overhead::draw(&results.join("peers.csv"), &pictures.join("overhead.svg"))?;
    logins::draw(
        &results.join("contention-storm.csv"),
        &pictures.join("logins.svg"),
    )?;
    fleet::draw(
        &results.join("fleet-rotations.csv"),
        &pictures.join("fleet.svg"),
    )?;
    Ok(())
}

fn read(file: &Path) -> csv::Result<Reader<std::fs::File>> {
    ReaderBuilder::new().comment(Some(b'#')).from_path(file)
}
