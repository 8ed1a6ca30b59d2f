//! Charts: bars only. Every word and figure stands around them as text, so that no font is needed, nothing is too small to
//! read, and each is in the reader's language. What a colour says, the place says too (negative hangs below the line),
//! so that it can be read in grey; the colours have at least 3:1 on white and on the dark of the mails (WCAG 2.2
//! §1.4.11).

use std::fmt::Write as _;

use crate::model::Day;

/// Size of the chart of days, in CSS pixels; as wide as a mail's text.
const WIDTH: u32 = 584;
const HEIGHT: u32 = 120;
/// A picture in a mail has so many dots a CSS pixel, for screens that show them.
const SCALE: u32 = 2;
/// Thickness of the line between the halves.
const LINE: u32 = 1;
/// Colours: nothing, negative, the others, the line.
const COLOURS: [(u8, u8, u8); 4] = [(255, 255, 255), (0xd0, 0x49, 0x2f), (0x3b, 0x82, 0xc4), (0x7b, 0x87, 0x94)];

/// What a bar stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Series {
    Negative = 1,
    Other = 2,
    Line = 3,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Bar {
    x: u32,
    y: u32,
    width: u32,
    height: u32,
    series: Series,
}

/// A drawing of bars.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Chart {
    bars: Vec<Bar>,
}

impl Chart {
    /// Mentions a day: neutral and positive ones stand on the line, negative ones hang below it.
    pub(super) fn of_days(days: &[Day]) -> Self {
        let up = days.iter().map(|d| d.other).max().unwrap_or(0);
        let down = days.iter().map(|d| d.negative).max().unwrap_or(0);
        let room = u64::from(HEIGHT - LINE);
        let most = up.saturating_add(down).max(1);
        // A bar of something is never invisible.
        let height = |n: u64| u32::try_from((n.saturating_mul(room) / most).max(u64::from(n > 0))).unwrap_or(0);
        let line = height(up).min(HEIGHT - LINE);
        let mut bars = vec![Bar { x: 0, y: line, width: WIDTH, height: LINE, series: Series::Line }];
        let count = u32::try_from(days.len().max(1)).unwrap_or(WIDTH).min(WIDTH);
        for (n, day) in (0..count).zip(days) {
            let (from, to) = (WIDTH * n / count, WIDTH * (n + 1) / count);
            let gap = ((to - from) / 5).min(12);
            let (x, width) = (from + gap / 2, (to - from - gap).max(1));
            let (other, negative) = (height(day.other).min(line), height(day.negative).min(HEIGHT - LINE - line));
            if other > 0 {
                bars.push(Bar { x, y: line - other, width, height: other, series: Series::Other });
            }
            if negative > 0 {
                bars.push(Bar { x, y: line + LINE, width, height: negative, series: Series::Negative });
            }
        }
        Self { bars }
    }

    /// Width and height in CSS pixels.
    pub(super) fn size(&self) -> (u32, u32) {
        (WIDTH, HEIGHT)
    }

    /// As SVG for a page, with `alt` for those who do not see it; `alt` must be escaped. The classes `n`, `o` and `l`
    /// take the colours of the page.
    pub(super) fn svg(&self, alt: &str) -> String {
        let mut out = format!(
            "<svg class=\"chart\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{alt}\" preserveAspectRatio=\"none\">"
        );
        for Bar { x, y, width, height, series } in &self.bars {
            let class = match series {
                Series::Negative => "n",
                Series::Other => "o",
                Series::Line => "l",
            };
            let _ = write!(out, "<rect class=\"{class}\" x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\"/>");
        }
        out.push_str("</svg>");
        out
    }

    /// As a picture for a mail: four colours, one of them nothing, two bits a dot (PNG, third edition, §11.2). `None` only
    /// if it cannot be encoded.
    pub(super) fn png(&self) -> Option<Vec<u8>> {
        let (width, height) = (WIDTH * SCALE, HEIGHT * SCALE);
        let row_bytes = usize::try_from(width.div_ceil(4)).ok()?;
        let mut rows = vec![0_u8; row_bytes * usize::try_from(height).ok()?];
        for bar in &self.bars {
            for y in bar.y * SCALE..(bar.y + bar.height) * SCALE {
                for x in bar.x * SCALE..(bar.x + bar.width) * SCALE {
                    let at = usize::try_from(y).ok()? * row_bytes + usize::try_from(x / 4).ok()?;
                    let shift = 6 - 2 * (x % 4);
                    let byte = rows.get_mut(at)?;
                    *byte = (*byte & !(3 << shift)) | ((bar.series as u8) << shift);
                }
            }
        }
        let mut out = Vec::new();
        let mut encoder = png::Encoder::new(&mut out, width, height);
        encoder.set_color(png::ColorType::Indexed);
        encoder.set_depth(png::BitDepth::Two);
        encoder.set_palette(COLOURS.iter().flat_map(|(r, g, b)| [*r, *g, *b]).collect::<Vec<u8>>());
        encoder.set_trns(vec![0, 255, 255, 255]);
        let mut writer = encoder.write_header().ok()?;
        writer.write_image_data(&rows).ok()?;
        writer.finish().ok()?;
        Some(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn days(counts: &[(u64, u64)]) -> Vec<Day> {
        let first: jiff::civil::Date = "2026-06-01".parse().unwrap();
        let day = |(n, (negative, other)): (i64, &(u64, u64))| Day {
            date: first + jiff::Span::new().days(n),
            negative: *negative,
            other: *other,
        };
        (0..).zip(counts).map(day).collect()
    }

    /// Every bar stays inside, stands on the line, and is there if there is anything to show.
    #[test]
    fn bars_stay_inside_and_none_is_lost() {
        let many: Vec<(u64, u64)> = (0..400).map(|n| (n % 7, n % 11)).collect();
        for counts in
            [&[(0, 0)][..], &[], &[(1, 0)], &[(0, 5), (3, 2)], &[(1, 1_000_000)], &[(u64::MAX, u64::MAX)], &many]
        {
            let chart = Chart::of_days(&days(counts));
            let line = chart.bars[0];
            for bar in &chart.bars {
                assert!(bar.x + bar.width <= WIDTH && bar.y + bar.height <= HEIGHT && bar.height > 0, "{bar:?}");
                match bar.series {
                    Series::Other => assert_eq!(bar.y + bar.height, line.y),
                    Series::Negative => assert_eq!(bar.y, line.y + LINE),
                    Series::Line => {}
                }
            }
            let shown = |series| chart.bars.iter().filter(|b| b.series == series).count();
            assert_eq!(shown(Series::Negative), counts.iter().filter(|c| c.0 > 0).count(), "{counts:?}");
            assert_eq!(shown(Series::Other), counts.iter().filter(|c| c.1 > 0).count(), "{counts:?}");
        }
    }

    #[test]
    fn the_picture_is_a_small_png_of_the_same_bars() {
        let png = Chart::of_days(&days(&[(1, 4), (0, 9), (6, 2)])).png().unwrap();
        assert!(png.len() < 4096, "{} bytes", png.len());
        let mut reader = png::Decoder::new(std::io::Cursor::new(&png)).read_info().unwrap();
        let mut dots = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut dots).unwrap();
        assert_eq!((info.width, info.height), (WIDTH * SCALE, HEIGHT * SCALE));
    }

    /// WCAG 2.2: relative luminance and contrast ratio.
    #[test]
    fn colours_can_be_seen_on_white_and_on_dark() {
        let luminance = |(r, g, b): (u8, u8, u8)| {
            let channel = |c: u8| {
                let c = f64::from(c) / 255.0;
                if c <= 0.04045 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) }
            };
            0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b)
        };
        for colour in &COLOURS[1..] {
            for ground in [(255, 255, 255), (0x1c, 0x22, 0x29)] {
                let (a, b) = (luminance(*colour), luminance(ground));
                let contrast = (a.max(b) + 0.05) / (a.min(b) + 0.05);
                assert!(contrast >= 3.0, "{colour:?} on {ground:?}: {contrast:.2}");
            }
        }
    }
}
