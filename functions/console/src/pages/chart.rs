//! Charts, as pictures for who sees them; the same figures stand in a table beside each.
//!
//! The colours that are drawn are those of the light scheme; the style sheet gives each its colour of the dark one.

use std::error::Error;

use axum::http::StatusCode;
use maud::{Markup, PreEscaped, html};
use plotters::prelude::*;

use crate::problem::Problem;

const WIDTH: u32 = 720;
const HEIGHT: u32 = 220;
/// Most labels below the bars.
const MAX_LABELS: usize = 8;
const INK: RGBColor = RGBColor(0x5a, 0x63, 0x76);
const GRID: RGBColor = RGBColor(0xdf, 0xe3, 0xea);
/// The colours of what is stacked, from below: `--blue` and `--amber`.
const STACK: [RGBColor; 2] = [RGBColor(0x24, 0x50, 0xd8), RGBColor(0x8a, 0x4b, 0x00)];

/// Bars, each of parts that are stacked.
pub(super) struct Chart<'a> {
    /// Tells charts of a page apart.
    pub(super) id: &'a str,
    pub(super) title: &'a str,
    /// What the chart shows, in a sentence.
    pub(super) description: &'a str,
    /// A label and its parts, from below.
    pub(super) bars: Vec<(String, Vec<f64>)>,
}

impl Chart<'_> {
    /// The picture.
    pub(super) fn draw(&self) -> Result<Markup, Problem> {
        let picture = self.picture().map_err(|error| {
            tracing::error!(%error, chart = self.id, "a chart could not be drawn");
            Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "A chart could not be drawn.")
        })?;
        let (title, description) = (format!("{}-title", self.id), format!("{}-description", self.id));
        Ok(html! {
            svg.chart viewBox=(format!("0 0 {WIDTH} {HEIGHT}")) role="img" aria-labelledby=(format!("{title} {description}")) {
                title id=(title) { (self.title) }
                desc id=(description) { (self.description) }
                (PreEscaped(picture))
            }
        })
    }

    /// What stands inside the picture's element.
    fn picture(&self) -> Result<String, Box<dyn Error + '_>> {
        let highest = self.bars.iter().map(|(_, parts)| parts.iter().sum::<f64>()).fold(0.0, f64::max);
        let top = if highest > 0.0 { highest * 1.1 } else { 1.0 };
        let mut svg = String::new();
        {
            let area = SVGBackend::with_string(&mut svg, (WIDTH, HEIGHT)).into_drawing_area();
            let mut chart = ChartBuilder::on(&area)
                .margin(6)
                .x_label_area_size(26)
                .y_label_area_size(48)
                .build_cartesian_2d((0..self.bars.len().max(1)).into_segmented(), 0.0..top)?;
            let label = |place: &SegmentValue<usize>| match place {
                SegmentValue::CenterOf(index) => {
                    self.bars.get(*index).map(|(label, _)| label.clone()).unwrap_or_default()
                }
                _ => String::new(),
            };
            chart
                .configure_mesh()
                .disable_x_mesh()
                .light_line_style(TRANSPARENT)
                .bold_line_style(GRID)
                .axis_style(INK)
                .label_style(("sans-serif", 12).into_font().color(&INK))
                .x_labels(self.bars.len().clamp(1, MAX_LABELS))
                .x_label_formatter(&label)
                .y_labels(4)
                .y_label_formatter(&|value| short(*value))
                .draw()?;
            for (index, (_, parts)) in self.bars.iter().enumerate() {
                let mut low = 0.0;
                for (part, colour) in parts.iter().zip(STACK) {
                    let (from, to) = (SegmentValue::Exact(index), SegmentValue::Exact(index + 1));
                    let mut bar = Rectangle::new([(from, low), (to, low + part)], colour.filled());
                    bar.set_margin(0, 0, 2, 2);
                    if *part > 0.0 {
                        chart.draw_series([bar])?;
                    }
                    low += part;
                }
            }
            area.present()?;
        }
        // The element itself is ours.
        let inner = svg.split_once('>').and_then(|(_, rest)| rest.rsplit_once("</svg>")).map(|(inner, _)| inner);
        Ok(inner.ok_or("the picture has no element")?.to_owned())
    }
}

/// A number at the side.
fn short(value: f64) -> String {
    if value >= 10.0 || value.fract() == 0.0 { format!("{value:.0}") } else { format!("{value:.1}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draw(bars: Vec<(String, Vec<f64>)>) -> String {
        Chart { id: "x", title: "<Title>", description: "What", bars }.draw().unwrap().0
    }

    #[test]
    fn a_chart_has_its_words_and_no_style_of_its_own() {
        let svg = draw(vec![("Mon".to_owned(), vec![2.0, 1.0]), ("<b>".to_owned(), vec![0.0, 0.0])]);
        assert!(svg.contains("&lt;Title&gt;") && svg.contains("<desc") && svg.contains("role=\"img\""), "{svg}");
        assert!(svg.contains("#2450D8") && svg.contains("#8A4B00") && svg.contains("&lt;b&gt;"), "{svg}");
        assert!(!svg.contains("style=") && !svg.contains("<b>") && svg.matches("<svg").count() == 1, "{svg}");
    }

    #[test]
    fn nothing_and_much_can_be_drawn() {
        for number in [0, 1, 90] {
            for value in [0.0, 0.001, 1e9] {
                assert!(draw((0..number).map(|n| (n.to_string(), vec![value])).collect()).ends_with("</svg>"));
            }
        }
    }

    /// The style sheet has to know the colours that are drawn.
    #[test]
    fn every_colour_follows_the_scheme() {
        for RGBColor(r, g, b) in [INK, GRID].into_iter().chain(STACK) {
            let name = format!("=\"#{r:02X}{g:02X}{b:02X}\"]");
            assert!(super::super::STYLE.contains(&name), "{name}");
        }
    }
}
