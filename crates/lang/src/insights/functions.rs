//! Functions by name: how many arguments they take and what they mean.

use super::expression::{Kind, Node};
use super::planner::Planner;
use crate::plan::{Aggregate, Function, IpVersion, Period, PeriodUnit, Value};
use crate::text::{QueryError, Span, date_format, regex};

/// AWS: values of `topk` (CWL_QuerySyntax-Stats).
const TOPK_MAX: f64 = 10_000.0;

/// A function with the arguments that are evaluated per record.
pub(super) struct Call<'n> {
    pub(super) function: Function,
    pub(super) arguments: Vec<Argument<'n>>,
}

pub(super) enum Argument<'n> {
    Node(&'n Node),
    /// A field that the function names by itself.
    Field(&'static str),
}

/// The function `name` (in lower case) applied to these arguments.
pub(super) fn call<'n>(
    planner: &Planner<'_>,
    name: &str,
    name_span: Span,
    span: Span,
    arguments: &'n [Node],
) -> Result<Call<'n>, QueryError> {
    let nodes = |nodes: &'n [Node]| nodes.iter().map(Argument::Node).collect::<Vec<_>>();
    match name {
        "bin" => {
            check(planner, name, span, arguments, 1, 1)?;
            let function = Function::DateFloor { period: period(planner, &arguments[0])?, offset: None };
            return Ok(Call { function, arguments: vec![Argument::Field("@timestamp")] });
        }
        "datefloor" | "dateceil" => {
            check(planner, name, span, arguments, 2, 2)?;
            let period = period(planner, &arguments[1])?;
            let function = if name == "datefloor" {
                Function::DateFloor { period, offset: None }
            } else {
                Function::DateCeil(period)
            };
            return Ok(Call { function, arguments: nodes(&arguments[..1]) });
        }
        "regexreplace" | "regex_replace" => {
            check(planner, name, span, arguments, 3, 3)?;
            let Kind::Literal(Value::String(pattern)) = &arguments[1].kind else {
                return Err(planner.error(arguments[1].span, "the pattern must be a string"));
            };
            regex::compile(pattern).map_err(|message| planner.error(arguments[1].span, message))?;
            let arguments = vec![Argument::Node(&arguments[0]), Argument::Node(&arguments[2])];
            return Ok(Call { function: Function::RegexReplace(pattern.clone()), arguments });
        }
        "formatdate" | "strftime" | "parsedate" => {
            check(planner, name, span, arguments, 2, 3)?;
            let function = date(planner, name, arguments)?;
            return Ok(Call { function, arguments: nodes(&arguments[..1]) });
        }
        _ => {}
    }
    let Some((function, least, most)) = plain(name) else {
        return Err(planner.error(name_span, format!("unknown function '{}'", planner.source(name_span))));
    };
    check(planner, name, span, arguments, least, most)?;
    Ok(Call { function, arguments: nodes(arguments) })
}

/// `formatDate` and `parseDate`: their format and time zone are given as strings.
fn date(planner: &Planner<'_>, name: &str, arguments: &[Node]) -> Result<Function, QueryError> {
    let literal = |node: &Node| match &node.kind {
        Kind::Literal(Value::String(text)) => Ok(text.clone()),
        _ => Err(planner.error(node.span, "the format and the time zone must be strings")),
    };
    let format = literal(&arguments[1])?;
    let zone = arguments.get(2).map_or(Ok("UTC".to_owned()), literal)?;
    let checked = match name {
        "parsedate" => date_format::java(&format).map(|_| ()),
        _ => date_format::check_strftime(&format),
    };
    checked.map_err(|message| planner.error(arguments[1].span, message))?;
    Ok(match name {
        "parsedate" => Function::ParseDate { format, zone },
        _ => Function::FormatDate { format, zone },
    })
}

/// Functions whose arguments are all expressions, with the least and greatest number of them.
fn plain(name: &str) -> Option<(Function, usize, usize)> {
    const ANY: usize = usize::MAX;
    Some(match name {
        "frommillis" => (Function::FromMillis, 1, 1),
        "tomillis" => (Function::ToMillis, 1, 1),
        "now" => (Function::Now, 0, 0),
        "querystarttime" => (Function::QueryStartTime, 0, 0),
        "queryendtime" => (Function::QueryEndTime, 0, 0),
        "querytimerange" => (Function::QueryTimeRange, 0, 0),
        "ispresent" => (Function::IsPresent, 1, 1),
        "isnumeric" => (Function::IsNumeric, 1, 1),
        "coalesce" => (Function::Coalesce, 1, ANY),
        "if" => (Function::If, 3, 3),
        // At most ten branches and a default.
        "case" => (Function::Case, 2, 21),
        "messagesize" => (Function::MessageSize, 1, 1),
        "abs" => (Function::Abs, 1, 1),
        "ceil" => (Function::Ceil, 1, 1),
        "floor" => (Function::Floor, 1, 1),
        "sqrt" => (Function::Sqrt, 1, 1),
        "log" => (Function::Log, 1, 1),
        "greatest" => (Function::Greatest, 1, ANY),
        "least" => (Function::Least, 1, ANY),
        "round" => (Function::Round, 1, 2),
        "tonumber" | "todouble" => (Function::ToNumber, 1, 1),
        "toint" | "tolong" => (Function::ToInteger, 1, 1),
        "haversine" => (Function::Haversine, 4, 4),
        "histogram" => (Function::Histogram, 2, 2),
        "isempty" => (Function::IsEmpty, 1, 1),
        "isblank" => (Function::IsBlank, 1, 1),
        "concat" => (Function::Concat, 1, ANY),
        "trim" => (Function::Trim, 1, 2),
        "ltrim" => (Function::LeftTrim, 1, 2),
        "rtrim" => (Function::RightTrim, 1, 2),
        "strlen" => (Function::StringLength, 1, 1),
        "toupper" => (Function::ToUpper, 1, 1),
        "tolower" => (Function::ToLower, 1, 1),
        "substr" => (Function::Substring, 2, 3),
        "replace" => (Function::Replace, 3, 3),
        "strcontains" => (Function::StringContains, 2, 3),
        "startswith" => (Function::StartsWith, 2, 2),
        "endswith" => (Function::EndsWith, 2, 2),
        "urlencode" => (Function::UrlEncode, 1, 1),
        "urldecode" => (Function::UrlDecode, 1, 1),
        "base64encode" => (Function::Base64Encode, 1, 1),
        "base64decode" => (Function::Base64Decode, 1, 1),
        "hextoascii" => (Function::HexToAscii, 1, 1),
        "hextodec" => (Function::HexToDecimal, 1, 1),
        "dectohex" => (Function::DecimalToHex, 1, 1),
        "sha256" => (Function::Sha256, 1, 1),
        "md5" => (Function::Md5, 1, 1),
        "jsonparse" => (Function::JsonParse, 1, 1),
        "jsonstringify" => (Function::JsonStringify, 1, 1),
        "jsonarraysize" => (Function::JsonArraySize, 1, 1),
        "jsonarraycontains" => (Function::JsonArrayContains, 2, 2),
        "split" => (Function::Split, 2, 2),
        "ispublicip" => (Function::IsPublicIp, 1, 1),
        "isreservedip" => (Function::IsReservedIp, 1, 1),
        "isvalidip" => (Function::IsValidIp(IpVersion::Any), 1, 1),
        "isvalidipv4" => (Function::IsValidIp(IpVersion::V4), 1, 1),
        "isvalidipv6" => (Function::IsValidIp(IpVersion::V6), 1, 1),
        "isipinsubnet" => (Function::IsIpInSubnet(IpVersion::Any), 2, 2),
        "isipv4insubnet" => (Function::IsIpInSubnet(IpVersion::V4), 2, 2),
        "isipv6insubnet" => (Function::IsIpInSubnet(IpVersion::V6), 2, 2),
        "isprivateip" => (Function::IsPrivateIp, 1, 1),
        "ipv4tonumber" => (Function::Ipv4ToNumber, 1, 1),
        _ => return None,
    })
}

/// Whether a name, in lower case, is that of an aggregate, in Insights or another language.
pub(crate) fn is_aggregate(name: &str) -> bool {
    const NAMES: &[&str] = &[
        "avg",
        "collect_values",
        "count",
        "count_distinct",
        "count_over_time",
        "countdistinct",
        "countovertime",
        "dc",
        "distinct_count",
        "earliest",
        "first",
        "last",
        "latest",
        "max",
        "min",
        "pct",
        "percentile",
        "rate",
        "sortsfirst",
        "sortslast",
        "stddev",
        "stddev_pop",
        "sum",
        "sum_over_time",
        "sumovertime",
        "topk",
        "values",
        "var_pop",
        "variance",
    ];
    NAMES.contains(&name)
}

/// The aggregate `name` (in lower case), if it is one.
pub(super) fn aggregate(
    planner: &Planner<'_>,
    name: &str,
    span: Span,
    arguments: &[Node],
) -> Result<Option<Aggregate>, QueryError> {
    let (least, most) = match name {
        "count" | "countovertime" | "count_over_time" => (0, 1),
        "pct" | "topk" | "rate" => (2, 2),
        "count_distinct" | "countdistinct" | "sum" | "sumovertime" | "sum_over_time" | "avg" | "min"
        | "max" | "stddev" | "variance" | "earliest" | "latest" | "values" | "collect_values"
        | "sortsfirst" | "sortslast" => (1, 1),
        _ => return Ok(None),
    };
    check(planner, name, span, arguments, least, most)?;
    if let (0, _) | (_, Some(Node { kind: Kind::Star, .. })) = (arguments.len(), arguments.first())
        && least == 0
    {
        return Ok(Some(Aggregate::Count(None)));
    }
    let argument = planner.aggregated(&arguments[if name == "topk" { 1 } else { 0 }])?;
    Ok(Some(match name {
        "values" | "collect_values" => Aggregate::Values(argument),
        "sortsfirst" => Aggregate::SortsFirst(argument),
        "sortslast" => Aggregate::SortsLast(argument),
        "rate" => Aggregate::Rate(argument, rate_period(planner, &arguments[1])?),
        "topk" => match arguments[0].kind {
            Kind::Literal(Value::Number(count))
                if count.fract() == 0.0 && (1.0..=TOPK_MAX).contains(&count) =>
            {
                Aggregate::TopK(count as u32, argument)
            }
            _ => {
                let message = format!("topk needs a whole number from 1 to {TOPK_MAX} first");
                return Err(planner.error(arguments[0].span, message));
            }
        },
        "count_distinct" | "countdistinct" => Aggregate::CountDistinct(argument),
        "sum" | "sumovertime" | "sum_over_time" => Aggregate::Sum(argument),
        "avg" => Aggregate::Average(argument),
        "min" => Aggregate::Minimum(argument),
        "max" => Aggregate::Maximum(argument),
        "stddev" => Aggregate::StandardDeviation(argument),
        "variance" => Aggregate::Variance(argument),
        "earliest" => Aggregate::Earliest(argument),
        "latest" => Aggregate::Latest(argument),
        "pct" => match arguments[1].kind {
            Kind::Literal(Value::Number(percent)) if (0.0..=100.0).contains(&percent) => {
                Aggregate::Percentile(argument, percent)
            }
            _ => {
                return Err(planner.error(arguments[1].span, "the percentile must be a number from 0 to 100"));
            }
        },
        _ => Aggregate::Count(Some(argument)),
    }))
}

fn check(
    planner: &Planner<'_>,
    name: &str,
    span: Span,
    arguments: &[Node],
    least: usize,
    most: usize,
) -> Result<(), QueryError> {
    let count = arguments.len();
    if (least..=most).contains(&count) {
        return Ok(());
    }
    let wanted = match (least, most) {
        (least, usize::MAX) => format!("at least {least}"),
        (least, most) if least == most => least.to_string(),
        (least, most) => format!("{least} to {most}"),
    };
    Err(planner.error(span, format!("the function '{name}' takes {wanted} arguments, not {count}")))
}

/// The period of `rate`, which must have a fixed length.
fn rate_period(planner: &Planner<'_>, node: &Node) -> Result<Period, QueryError> {
    let found = period(planner, node)?;
    match found.unit {
        PeriodUnit::Month | PeriodUnit::Quarter | PeriodUnit::Year => {
            Err(planner.error(node.span, "a rate needs a period of a fixed length, at most weeks"))
        }
        _ => Ok(found),
    }
}

fn period(planner: &Planner<'_>, node: &Node) -> Result<Period, QueryError> {
    match node.kind {
        Kind::Period(period) => Ok(period),
        _ => Err(planner.error(node.span, "a period such as 5m is needed here")),
    }
}
