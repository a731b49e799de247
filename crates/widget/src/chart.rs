//! The time series view: lines and areas.

use std::collections::BTreeSet;

use base::Timestamp;

use crate::axis::{Extent, Plot};
use crate::legend::{self, Entry};
use crate::picture::{Axis, Series, WidgetPicture};
use crate::svg::{Rect, Svg};
use crate::theme::Stroke;
use crate::time_axis::TimeAxis;
use crate::{annotation, frame};

const AREA_OPACITY: f64 = 0.55;
const BAND_OPACITY: f64 = 0.2;
const LINE_WIDTH: f64 = 1.75;

type Points = Vec<(Timestamp, f64)>;

pub(crate) fn draw(svg: &mut Svg, picture: &WidgetPicture) {
    let body = frame::open(svg, picture);
    let body = legend::draw(svg, picture, body, &entries(picture, picture.stacked));
    let stacks = stacks(picture);
    let extent = |axis| extent(picture, &stacks, axis);
    let plot = Plot::lay_out(picture, body, extent(Axis::Left), extent(Axis::Right), true);
    let time = plot.time_axis(picture);
    plot.draw_values(svg, picture, body);
    annotation::draw_vertical(svg, picture, &plot, &time);
    // Lines along an edge keep their width.
    let clip = Rect { y: plot.area.y - LINE_WIDTH, height: plot.area.height + 2.0 * LINE_WIDTH, ..plot.area };
    svg.clipped(clip, |svg| {
        for (index, series) in picture.series.iter().enumerate() {
            let stroke = picture.theme.palette().stroke(index, series);
            match (&series.low, &stacks[index]) {
                (Some(low), _) => band(svg, (&plot, &time), series, low, stroke),
                (None, Some(stack)) => area(svg, (&plot, &time), series, stack, stroke),
                (None, None) => lines(svg, (&plot, &time), series, stroke),
            }
        }
    });
    annotation::draw_horizontal(svg, picture, &plot);
    plot.draw_time(svg, picture, &time);
    if !picture.has_data() {
        frame::no_data(svg, picture, plot.area);
    }
}

/// The legend of all series.
pub(crate) fn entries(picture: &WidgetPicture, filled: bool) -> Vec<Entry> {
    let palette = picture.theme.palette();
    let entry = |(index, series): (usize, &Series)| Entry {
        label: series.label.clone(),
        stroke: palette.stroke(index, series),
        filled: filled || series.low.is_some(),
        partial: series.partial,
    };
    picture.series.iter().enumerate().map(entry).collect()
}

/// The unit all series of an axis share.
pub(crate) fn shared_unit(picture: &WidgetPicture, axis: Axis) -> Option<String> {
    let mut units = picture.series.iter().filter(|s| s.axis == axis).map(|s| s.unit.as_deref());
    let first = units.next()??;
    units.all(|unit| unit == Some(first)).then(|| first.to_owned())
}

fn extent(picture: &WidgetPicture, stacks: &[Option<Stack>], axis: Axis) -> Option<Extent> {
    let mut values: Vec<f64> = annotation::values(picture, axis).collect();
    let mut used = !values.is_empty();
    for (series, stack) in picture.series.iter().zip(stacks).filter(|(series, _)| series.axis == axis) {
        used = true;
        match stack {
            Some(stack) => values.extend(stack.runs.iter().flatten().map(|point| point.high)),
            None => values.extend(series.points.iter().map(|(_, value)| *value)),
        }
        values.extend(series.low.iter().flatten().map(|(_, value)| *value));
    }
    used.then(|| Extent { values, unit: shared_unit(picture, axis) })
}

/// `points` where no two neighbours are more than a period apart.
fn runs(points: &[(Timestamp, f64)], period_secs: i64) -> impl Iterator<Item = &[(Timestamp, f64)]> {
    let gap_ms = period_secs.max(1).saturating_mul(1000);
    points.chunk_by(move |a, b| b.0.millis_since(a.0) <= gap_ms)
}

fn lines(svg: &mut Svg, (plot, time): (&Plot, &TimeAxis), series: &Series, stroke: Stroke) {
    for run in runs(&series.points, series.period_secs) {
        let points: Vec<_> = run.iter().map(|(at, v)| (time.x(*at), plot.y(series.axis, *v))).collect();
        match points.as_slice() {
            [point] => svg.circle(*point, 2.0, stroke.color),
            points => svg.polyline(&thinned(points), stroke, LINE_WIDTH),
        }
    }
}

/// Where there are several points to a pixel, the first, lowest, highest and last of each pixel.
fn thinned(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let mut kept = Vec::with_capacity(points.len().min(8192));
    for column in points.chunk_by(|a, b| a.0.floor() == b.0.floor()) {
        if column.len() <= 4 {
            kept.extend_from_slice(column);
            continue;
        }
        let by_y = |a: &&(f64, f64), b: &&(f64, f64)| a.1.total_cmp(&b.1);
        let lowest = column.iter().min_by(by_y).copied();
        let highest = column.iter().max_by(by_y).copied();
        let mut four = [column.first().copied(), lowest, highest, column.last().copied()];
        four[1..3]
            .sort_by(|a, b| a.map(|p| p.0).partial_cmp(&b.map(|p| p.0)).unwrap_or(std::cmp::Ordering::Equal));
        kept.extend(four.into_iter().flatten());
    }
    kept
}

fn band(
    svg: &mut Svg,
    (plot, time): (&Plot, &TimeAxis),
    series: &Series,
    low: &[(Timestamp, f64)],
    stroke: Stroke,
) {
    for run in runs(&series.points, series.period_secs) {
        let mut outline: Vec<(f64, f64)> = Vec::new();
        let mut lower: Vec<(f64, f64)> = Vec::new();
        for (at, high) in run {
            let Ok(place) = low.binary_search_by_key(at, |(at, _)| *at) else { continue };
            outline.push((time.x(*at), plot.y(series.axis, *high)));
            lower.push((time.x(*at), plot.y(series.axis, low[place].1)));
        }
        outline.extend(lower.into_iter().rev());
        svg.polygon(&outline, stroke.color, BAND_OPACITY);
    }
}

/// A series upon those before it.
struct Stack {
    runs: Vec<Vec<StackPoint>>,
}

struct StackPoint {
    at: Timestamp,
    low: f64,
    high: f64,
}

/// The stacks of a stacked picture, one per series without a band; each axis has its own pile.
fn stacks(picture: &WidgetPicture) -> Vec<Option<Stack>> {
    let mut stacks: Vec<Option<Stack>> = picture.series.iter().map(|_| None).collect();
    if !picture.stacked {
        return stacks;
    }
    for axis in [Axis::Left, Axis::Right] {
        let of_axis = |series: &Series| series.axis == axis && series.low.is_none();
        let members: Vec<usize> =
            (0..stacks.len()).filter(|index| of_axis(&picture.series[*index])).collect();
        let times: BTreeSet<Timestamp> = members
            .iter()
            .flat_map(|index| picture.series[*index].points.iter().map(|(at, _)| *at))
            .collect();
        let times: Vec<Timestamp> = times.into_iter().collect();
        let mut pile = vec![0.0; times.len()];
        for index in members {
            stacks[index] = Some(stack(&picture.series[index], &times, &mut pile));
        }
    }
    stacks
}

/// Puts one series on the pile. Between its own datapoints, at those of others, it is a straight line.
fn stack(series: &Series, times: &[Timestamp], pile: &mut [f64]) -> Stack {
    let mut stacked = Vec::new();
    for run in runs(&series.points, series.period_secs) {
        let (Some(first), Some(last)) = (run.first(), run.last()) else { continue };
        let start = times.partition_point(|at| *at < first.0);
        let end = times.partition_point(|at| *at <= last.0);
        let mut own: Points = Vec::with_capacity(end - start);
        let mut next = 0;
        for at in &times[start..end] {
            while run[next].0 < *at {
                next += 1;
            }
            own.push((*at, between(run, next, *at)));
        }
        let points = own.into_iter().zip(&mut pile[start..end]).map(|((at, value), pile)| {
            let low = *pile;
            *pile += value;
            StackPoint { at, low, high: *pile }
        });
        stacked.push(points.collect());
    }
    Stack { runs: stacked }
}

/// The value at `at`, which is not after point `next` of the run.
fn between(run: &[(Timestamp, f64)], next: usize, at: Timestamp) -> f64 {
    let (end, high) = run[next];
    if end == at || next == 0 {
        return high;
    }
    let (start, low) = run[next - 1];
    low + (high - low) * at.millis_since(start) as f64 / end.millis_since(start) as f64
}

fn area(svg: &mut Svg, (plot, time): (&Plot, &TimeAxis), series: &Series, stack: &Stack, stroke: Stroke) {
    let solid = Stroke { dashes: "", ..stroke };
    for run in &stack.runs {
        let upper: Vec<_> = run.iter().map(|p| (time.x(p.at), plot.y(series.axis, p.high))).collect();
        if let [(x, y)] = upper.as_slice() {
            let base = run.first().map_or(*y, |p| plot.y(series.axis, p.low));
            svg.line((*x, base), (*x, *y), solid, 3.0);
            continue;
        }
        let mut outline = upper.clone();
        outline.extend(run.iter().rev().map(|p| (time.x(p.at), plot.y(series.axis, p.low))));
        svg.polygon(&outline, stroke.color, AREA_OPACITY);
        svg.polyline(&upper, solid, 1.25);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(values: &[(i64, f64)]) -> Points {
        values.iter().map(|(at, value)| (Timestamp::from_secs(*at), *value)).collect()
    }

    #[test]
    fn a_missing_period_breaks_the_line() {
        let points = points(&[(0, 1.0), (60, 2.0), (180, 3.0), (240, 4.0), (400, 5.0)]);
        let lengths: Vec<usize> = runs(&points, 60).map(<[_]>::len).collect();
        assert_eq!(lengths, [2, 2, 1]);
    }

    #[test]
    fn stacks_add_up_where_periods_differ() {
        let range = base::TimeRange::new(Timestamp::from_secs(0), Timestamp::from_secs(300));
        let mut picture = WidgetPicture::new(range);
        picture.stacked = true;
        picture.series = vec![
            Series::new("slow", 120, points(&[(0, 10.0), (120, 20.0)])),
            Series::new("fast", 60, points(&[(0, 1.0), (60, 1.0), (120, 1.0)])),
        ];
        let stacks = stacks(&picture);
        let highs = |index: usize| -> Vec<f64> {
            stacks[index].as_ref().unwrap().runs.iter().flatten().map(|p| p.high).collect()
        };
        assert_eq!(highs(0), [10.0, 15.0, 20.0]);
        assert_eq!(highs(1), [11.0, 16.0, 21.0]);
    }

    #[test]
    fn dense_lines_keep_their_peaks() {
        let dense: Vec<(f64, f64)> =
            (0..10_000).map(|n| (f64::from(n) / 100.0, if n == 5555 { 99.0 } else { 1.0 })).collect();
        let kept = thinned(&dense);
        assert!(kept.len() <= 400 && kept.iter().any(|(_, y)| *y == 99.0), "{}", kept.len());
        assert!(kept.windows(2).all(|pair| pair[0].0 <= pair[1].0));
    }
}
