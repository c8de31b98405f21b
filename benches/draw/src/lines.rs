//! A chart of lines, both axes logarithmic.

use std::error::Error;
use std::ops::Range;
use std::path::Path;

use plotters::prelude::*;

use crate::INK;

pub struct Chart {
    pub caption: &'static str,
    /// What the axis says, and from where to where it goes.
    pub x: (&'static str, Range<f64>),
    pub y: (&'static str, Range<f64>),
    pub height: u32,
}

pub struct Line {
    pub label: String,
    pub color: RGBColor,
    pub points: Vec<(f64, f64)>,
}

impl Chart {
    pub fn draw(&self, lines: Vec<Line>, picture: &Path) -> Result<(), Box<dyn Error>> {
        let area = SVGBackend::new(picture, (860, self.height)).into_drawing_area();
        area.fill(&WHITE)?;
        let text = |size: i32| ("sans-serif", size).into_font().color(&INK);
        let mut chart = ChartBuilder::on(&area)
            .caption(self.caption, text(17))
            .margin(16)
            .margin_right(40)
            .x_label_area_size(44)
            .y_label_area_size(64)
            .build_cartesian_2d(self.x.1.clone().log_scale(), self.y.1.clone().log_scale())?;
        let whole = |number: &f64| format!("{number:.0}");
        chart
            .configure_mesh()
            .disable_mesh()
            .x_desc(self.x.0)
            .y_desc(self.y.0)
            .x_label_formatter(&whole)
            .y_label_formatter(&whole)
            .label_style(text(14))
            .axis_style(INK)
            .draw()?;
        for line in lines {
            let style = line.color.stroke_width(3);
            chart
                .draw_series(LineSeries::new(line.points, style).point_size(4))?
                .label(line.label)
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
}
