//! What is typed to draw a sweep.

use super::Remote;
use std::path::PathBuf;

/// `sweep plot`.
#[derive(Debug, clap::Args)]
pub struct Plot {
    /// Name, tag, id or start of an id.
    #[arg(required_unless_present = "kinds")]
    pub sweep: Option<String>,
    /// List the kinds of pictures.
    #[arg(long)]
    pub kinds: bool,
    /// What is drawn: heatmap, phase, curves, steps, spectrum, …; `--kinds` lists them.
    #[arg(long, value_name = "KIND", default_value = "heatmap")]
    pub kind: String,
    /// The axis across; of pictures over steps: step, travel (the sum of learning rates) or a metric.
    #[arg(long, value_name = "AXIS", help_heading = "Picture")]
    pub x: Option<String>,
    /// The axis up.
    #[arg(long, value_name = "AXIS", help_heading = "Picture")]
    pub y: Option<String>,
    /// Facets: one for each value of an axis side by side, and after a comma one below the other.
    #[arg(long, value_name = "AXIS[,AXIS]", help_heading = "Picture", conflicts_with_all = ["across", "down"])]
    pub facet: Option<String>,
    /// Facets side by side.
    #[arg(long, value_name = "AXIS", help_heading = "Picture")]
    pub across: Option<String>,
    /// Facets one below the other.
    #[arg(long, value_name = "AXIS", help_heading = "Picture")]
    pub down: Option<String>,
    /// Axes that tell lines apart, separated by commas; method: all of optimizer, baseline, penalty and depth.
    #[arg(long, value_name = "AXIS,…", help_heading = "Picture")]
    pub by: Option<String>,
    /// What is measured, as in test_rel or validated_test_rel; of curves also several, separated by commas.
    #[arg(long, value_name = "METRIC", help_heading = "Picture")]
    pub metric: Option<String>,
    /// A metric whose median takes the place of the axis across, as in initial_frobenius_norm.
    #[arg(long, value_name = "METRIC", help_heading = "Picture")]
    pub along: Option<String>,
    /// Which cells, as in "optimizer = adam and depth < 3"; by their axes alone.
    #[arg(long = "where", value_name = "FILTER", help_heading = "Picture")]
    pub filter: Option<String>,
    /// Of a sweep that tunes: reported (the refits) or tuning (the candidates).
    #[arg(long, value_name = "PART", help_heading = "Picture")]
    pub part: Option<String>,
    /// log or linear; what suits the metric when left out.
    #[arg(long, value_name = "SCALE", help_heading = "Picture")]
    pub scale: Option<String>,
    /// A run succeeded where its metric is at most this and it is neither diverged nor inflated [0.05].
    #[arg(long, value_name = "X", help_heading = "Picture")]
    pub success: Option<String>,
    /// The share of runs at which the line of a phase diagram is drawn [0.5].
    #[arg(long, value_name = "P", help_heading = "Picture")]
    pub share: Option<String>,
    /// Where to: a name that ends with .svg, .png or .csv (the numbers), or .sql (what gives them); may be repeated. The
    /// numbers on standard output when left out.
    #[arg(short, long = "out", value_name = "FILE", value_parser = drawn)]
    pub out: Vec<PathBuf>,
    #[command(flatten)]
    pub of: Remote,
}

impl Plot {
    /// As the coordinator takes them: pairs of key and value.
    pub fn settings(&self) -> Vec<(&'static str, String)> {
        let facet =
            |k: usize| self.facet.as_ref().and_then(|facet| facet.split(',').nth(k)).map(|axis| axis.trim().to_owned());
        let said = [
            ("kind", Some(self.kind.clone())),
            ("x", self.x.clone()),
            ("y", self.y.clone()),
            ("across", self.across.clone().or(facet(0))),
            ("down", self.down.clone().or(facet(1))),
            ("by", self.by.clone()),
            ("metric", self.metric.clone()),
            ("along", self.along.clone()),
            ("where", self.filter.clone()),
            ("part", self.part.clone()),
            ("scale", self.scale.clone()),
            ("success", self.success.clone()),
            ("share", self.share.clone()),
        ];
        said.into_iter().filter_map(|(key, value)| Some((key, value?))).collect()
    }
}

fn drawn(text: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(text);
    let known =
        path.extension().is_some_and(|ending| ["svg", "png", "csv", "sql"].iter().any(|known| ending == *known));
    if known { Ok(path) } else { Err("allowed: a name that ends with .svg, .png, .csv or .sql".to_owned()) }
}
