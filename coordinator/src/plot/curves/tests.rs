use super::super::inspect::Picture;
use super::labels::apart;
use super::*;

fn sample() -> Curves {
    let runs = |rate: f64| -> Vec<Vec<(f64, Option<f64>)>> {
        (0..5)
            .map(|seed| {
                let steps = [0, 1, 3, 10, 30, 100, 300, 1000];
                let value = |step: f64| (1.0 + 0.1 * f64::from(seed)) / (1.0 + rate * step);
                steps.iter().map(|&s| (f64::from(s), Some(value(f64::from(s))))).collect()
            })
            .collect()
    };
    Curves {
        title: "Loss".into(),
        subtitle: "sample data".into(),
        caption: "n = 5, seeds 0–4.".into(),
        x: Axis { name: "step".into(), spread: Spread::Log },
        panels: vec![Panel {
            title: String::new(),
            y: Axis { name: "test error".into(), spread: Spread::Log },
            references: vec![Reference { label: "minimum nuclear norm".into(), value: 0.17 }],
            series: ["gd & <none>", "adam", "muon"]
                .iter()
                .zip([0.01, 0.1, 0.11])
                .map(|(l, r)| Series::over(l, &runs(r)))
                .collect(),
        }],
    }
}

#[test]
fn every_series_is_a_line_with_a_band_and_a_label() {
    let picture = Picture::read(&curves(&sample()));
    picture.check();
    assert_eq!((picture.count("median"), picture.count("quartiles"), picture.count("reference")), (3, 3, 1));
    for text in ["gd & <none>", "adam", "muon", "minimum nuclear norm", "step (log)", "test error (log)", "0", "Loss"] {
        assert!(picture.texts().iter().any(|t| t == text), "{text}: {:?}", picture.texts());
    }
}

#[test]
fn a_gap_splits_the_line_and_a_divergence_is_marked() {
    let mut data = sample();
    data.panels[0].series[0].points[3].median = None;
    let picture = Picture::read(&curves(&data));
    picture.check();
    assert_eq!((picture.count("median"), picture.count("cross")), (4, 1));
}

#[test]
fn odd_input_is_drawn() {
    let mut empty = sample();
    empty.panels[0].series.clear();
    let picture = Picture::read(&curves(&empty));
    picture.check();
    assert_eq!(picture.count("empty"), 1);
    let spot = |x, y| Spot { x, lower: None, median: Some(y), upper: Some(f64::INFINITY) };
    for (x, y) in [(0.0, 0.177), (3.0, 1e-200), (f64::NAN, 1.0), (5.0, -1.0)] {
        for spread in [Spread::Linear, Spread::Log] {
            let mut data = sample();
            (data.x.spread, data.panels[0].y.spread) = (spread, spread);
            data.panels[0].series =
                vec![Series { label: "one · ".repeat(40), points: vec![spot(x, y)], marks: false }];
            Picture::read(&curves(&data)).check();
        }
    }
    let mut many = sample();
    let series = many.panels[0].series.clone();
    many.panels[0].series = (0..40).map(|i| Series { label: format!("series {i}"), ..series[i % 3].clone() }).collect();
    Picture::read(&curves(&many)).check();
}

#[test]
fn quartiles_count_every_run_at_its_steps() {
    let runs = [vec![(1.0, Some(1.0)), (2.0, Some(4.0))], vec![(1.0, Some(3.0)), (2.0, None)], vec![(1.0, Some(2.0))]];
    let series = Series::over("s", &runs);
    assert_eq!(series.points[0], Spot { x: 1.0, lower: Some(1.5), median: Some(2.0), upper: Some(2.5) });
    assert_eq!(series.points[1], Spot { x: 2.0, lower: None, median: None, upper: None });
}

#[test]
fn labels_move_apart_within_the_plot() {
    assert_eq!(apart(&[10.0, 12.0, 90.0], 20.0, 0.0, 100.0), [10.0, 30.0, 90.0]);
    assert_eq!(apart(&[88.0, 89.0, 99.0], 20.0, 0.0, 100.0), [50.0, 70.0, 90.0]);
}

/// `count` panels of `sample`, the third with an axis of its own.
fn panels(count: usize) -> Curves {
    let mut data = sample();
    let panel = Panel { title: "depth 1".into(), ..data.panels[0].clone() };
    data.panels = (1..=count).map(|i| Panel { title: format!("depth {i}"), ..panel.clone() }).collect();
    if let Some(third) = data.panels.get_mut(2) {
        third.y = Axis { name: "effective rank".into(), spread: Spread::Linear };
    }
    data
}

#[test]
fn any_number_of_panels_is_drawn() {
    for count in 1..=9 {
        let picture = Picture::read(&curves(&panels(count)));
        picture.check();
        assert_eq!((picture.count("median"), picture.count("reference")), (3 * count, count));
        let said = |text: &str| picture.texts().iter().filter(|t| *t == text).count();
        // A name stands once however many panels have its line; the numbers of steps below the lowest of each column.
        assert_eq!((said("adam"), said("minimum nuclear norm"), said("step (log)")), (1, 1, 1), "{count}");
        assert_eq!(said("100"), if matches!(count, 2 | 4) { 2 } else { count.min(3) }, "{count}");
        assert!((1..=count).all(|i| said(&format!("depth {i}")) == 1), "{:?}", picture.texts());
    }
}

#[test]
fn odd_panels_are_drawn() {
    let mut data = panels(5);
    data.panels[0].series.clear();
    data.panels[1].y.name = format!("{}  ‖W‖_{{F}}", "a long name ".repeat(20));
    data.panels[3].title = "a title that is too long for its plot ".repeat(9);
    data.panels[4].references = (0..5).map(|i| Reference { label: "line ".repeat(30 + i), value: 1.0 }).collect();
    data.panels[4].series[0].label = "a label that is too long for a legend ".repeat(9);
    let picture = Picture::read(&curves(&data));
    picture.check();
    assert!(picture.texts().iter().any(|t| t == "no values"));
    data.panels.iter_mut().for_each(|panel| panel.series.clear());
    assert_eq!(Picture::read(&curves(&data)).count("empty"), 1);
    data.panels.clear();
    assert_eq!(Picture::read(&curves(&data)).count("empty"), 1);
}

#[test]
fn panels_of_one_axis_share_its_scale() {
    let mut data = panels(3);
    // The lines of the second panel are a hundred times as high, the references are not.
    for spot in data.panels[1].series.iter_mut().flat_map(|series| &mut series.points) {
        *spot = Spot { median: spot.median.map(|y| 100.0 * y), lower: None, upper: None, ..*spot };
    }
    let picture = Picture::read(&curves(&data));
    let heights = picture.numbers("reference", "y1");
    assert_eq!(heights[0], heights[1]);
    assert_ne!(heights[0], heights[2], "an axis of its own");
    // One factor is one distance on a log scale: each line of the second panel stands as much higher as any other.
    let starts: Vec<f64> = picture
        .attributes("median", "d")
        .iter()
        .map(|d| d.split(['M', ' ', 'L']).nth(2).and_then(|y| y.parse().ok()).expect("a height"))
        .collect();
    let rises: Vec<f64> = (0..3).map(|k| starts[k] - starts[3 + k]).collect();
    assert!(rises[0] > 20.0 && rises.iter().all(|rise| (rise - rises[0]).abs() < 0.05), "{rises:?}");
}

#[test]
fn a_label_has_one_colour_in_all_panels() {
    let mut data = panels(2);
    data.panels[1].series.reverse();
    let picture = Picture::read(&curves(&data));
    let colours = picture.attributes("median", "stroke");
    assert_eq!(colours[..3].iter().rev().collect::<Vec<_>>(), colours[3..].iter().collect::<Vec<_>>());
    assert!(colours[0] != colours[1] && colours[1] != colours[2]);
    // The legend shows the same ones, and the reference apart.
    assert_eq!(picture.attributes("key", "stroke")[..3], colours[..3]);
}

#[test]
fn marks_stand_at_every_point_of_a_series_that_has_them() {
    let mut data = sample();
    data.panels[0].series[1].marks = true;
    let picture = Picture::read(&curves(&data));
    assert_eq!((picture.count("mark"), picture.count("median")), (8, 3));
}

#[test]
fn a_long_series_is_thinned_and_keeps_its_spike() {
    let mut data = sample();
    let value = |i: i32| if i == 61_803 { 1e6 } else { 1.0 + f64::from(i * 7919 % 1000) / 1000.0 };
    let run: Vec<(f64, Option<f64>)> = (0..100_000).map(|i| (f64::from(i), Some(value(i)))).collect();
    data.panels[0].series = vec![Series::over("seed 0", &[run])];
    let svg = curves(&data);
    assert!(svg.len() < 200_000, "{}", svg.len());
    let picture = Picture::read(&svg);
    picture.check();
    let top = |d: &String| {
        d.split(['M', 'L']).filter_map(|p| p.split_once(' ')?.1.parse().ok()).fold(f64::INFINITY, f64::min)
    };
    // The spike reaches almost the top of the plot, the rest almost its bottom.
    let ys = picture.attributes("median", "d").iter().map(top).collect::<Vec<_>>();
    let grid = picture.numbers("grid", "y1").into_iter().fold(f64::INFINITY, f64::min);
    assert!(ys.len() == 1 && ys[0] < grid + 60.0, "{ys:?} {grid}");
}

#[test]
fn a_line_that_ends_in_a_divergence_is_marked() {
    let mut data = sample();
    data.panels[0].series.truncate(1);
    data.panels[0].series[0].points[7].median = None;
    assert_eq!(Picture::read(&curves(&data)).count("cross"), 1);
}
