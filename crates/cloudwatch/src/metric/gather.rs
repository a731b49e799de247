//! Reads what a plan names, few batches for all of it.

use std::collections::{BTreeMap, HashMap};

use base::Scope;
use lang::metric_math::MathError;
use lang::metric_search::Search;
use signals::MetricIdentity;

use super::evaluate::Options;
use super::grid::Grid;
use super::label::{Attributes, DefaultLabels};
use super::plan::Plan;
use super::query::{DataQuery, ExpressionQuery, Parsed, Source};
use super::read::{Readings, Wanted, read};
use super::statistic::Statistic;
use crate::insights_sql::{self, Answer};
use crate::search::{self, Found, SERIES_MAX};
use crate::{CloudWatch, CloudWatchError};

/// One series a search found.
#[derive(Debug, Clone)]
pub(crate) struct FoundSeries {
    pub(crate) label: String,
    pub(crate) metric: MetricIdentity,
    pub(crate) readings: Readings,
}

/// Everything that was read.
#[derive(Debug, Default)]
pub(crate) struct Gathered {
    /// `None`: the metric is another account's.
    metrics: HashMap<(usize, Grid), Option<Readings>>,
    /// By text, statistic and grid; in the order of labels.
    searches: HashMap<(String, String, Grid), Vec<FoundSeries>>,
    insights: HashMap<(usize, Grid), Answer>,
    exceeded: bool,
}

impl Gathered {
    pub(crate) async fn read(
        cw: &CloudWatch,
        scope: &Scope,
        queries: &[DataQuery],
        plan: &Plan<'_>,
        options: &Options,
    ) -> Result<Self, CloudWatchError> {
        let mut gathered = Self::default();
        let mut found: BTreeMap<&str, Found> = BTreeMap::new();
        for (text, _) in plan.grids.values().flat_map(|on_grid| &on_grid.searches) {
            if !found.contains_key(text) {
                let search = Search::parse(text)
                    .map_err(|error| CloudWatchError::Validation(MathError::new(error.to_string()).reason))?;
                let metrics = search::find(cw, scope, &search, options.now).await?;
                gathered.exceeded |= metrics.exceeded;
                found.insert(text, metrics);
            }
        }
        for (grid, on_grid) in &plan.grids {
            gathered.read_metrics(cw, scope, queries, grid, &on_grid.metrics).await?;
            for (text, stat) in &on_grid.searches {
                let series = read_search(cw, scope, grid, &found[text], stat).await?;
                gathered.searches.insert(((*text).to_owned(), (*stat).to_owned(), *grid), series);
            }
            for at in &on_grid.insights {
                if let Source::Expression(ExpressionQuery { parsed: Parsed::Insights(query), .. }) =
                    &queries[*at].source
                {
                    let oldest = options.now.saturating_sub_millis(options.insights_range_secs * 1000);
                    let answer = insights_sql::answer(cw, scope, query, grid, oldest).await?;
                    gathered.insights.insert((*at, *grid), answer);
                }
            }
        }
        Ok(gathered)
    }

    async fn read_metrics(
        &mut self,
        cw: &CloudWatch,
        scope: &Scope,
        queries: &[DataQuery],
        grid: &Grid,
        places: &std::collections::BTreeSet<usize>,
    ) -> Result<(), CloudWatchError> {
        let (mut readable, mut wanted) = (Vec::new(), Vec::new());
        for at in places {
            let Source::Metric(stat) = &queries[*at].source else { continue };
            // No account is linked to this one, so nobody else's metrics can be read.
            if queries[*at].account.as_deref().is_some_and(|account| account != scope.account.as_str()) {
                self.metrics.insert((*at, *grid), None);
                continue;
            }
            readable.push(*at);
            wanted.push(Wanted { metric: &stat.metric, statistic: stat.statistic, unit: stat.unit });
        }
        for (at, readings) in readable.into_iter().zip(read(cw, scope, grid, &wanted).await?) {
            self.metrics.insert((at, *grid), Some(readings));
        }
        Ok(())
    }

    /// The readings of a metric query; `None` if the metric may not be read.
    pub(crate) fn metric(&self, at: usize, grid: &Grid) -> Option<&Readings> {
        self.metrics.get(&(at, *grid))?.as_ref()
    }

    pub(crate) fn search(&self, text: &str, stat: &str, grid: &Grid) -> &[FoundSeries] {
        self.searches.get(&(text.to_owned(), stat.to_owned(), *grid)).map_or(&[], Vec::as_slice)
    }

    pub(crate) fn insights(&self, at: usize, grid: &Grid) -> Option<&Answer> {
        self.insights.get(&(at, *grid))
    }

    /// Whether a search found more than can be shown.
    pub(crate) fn exceeded(&self) -> bool {
        self.exceeded
    }
}

async fn read_search(
    cw: &CloudWatch,
    scope: &Scope,
    grid: &Grid,
    found: &Found,
    stat: &str,
) -> Result<Vec<FoundSeries>, CloudWatchError> {
    let statistic =
        Statistic::parse(stat).map_err(|_| CloudWatchError::invalid_value(stat, "Stat").into_validation())?;
    let attributes = |metric| Attributes { metric, stat, period_secs: grid.period_secs };
    let labels = DefaultLabels::new(found.metrics.iter().map(attributes));
    let mut labelled: Vec<(String, &MetricIdentity)> =
        found.metrics.iter().map(|metric| (labels.of(&attributes(metric)), metric)).collect();
    labelled.sort_by(|a, b| a.0.cmp(&b.0));
    labelled.truncate(SERIES_MAX);
    let wanted: Vec<Wanted<'_>> =
        labelled.iter().map(|(_, metric)| Wanted { metric, statistic, unit: None }).collect();
    let readings = read(cw, scope, grid, &wanted).await?;
    let series = labelled.into_iter().zip(readings);
    Ok(series
        .map(|((label, metric), readings)| FoundSeries { label, metric: metric.clone(), readings })
        .collect())
}
