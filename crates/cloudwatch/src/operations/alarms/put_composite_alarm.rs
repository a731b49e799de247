//! PutCompositeAlarm: creates a composite alarm or replaces its configuration. The rule is evaluated at once.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use catalog::Prefix;
use shapes::cloudwatch::PutCompositeAlarmInput;
use smithy::Cx;

use super::{Common, actions, check_name, propagation, put, tags_of};
use crate::CloudWatch;
use crate::alarm::composite::name_of;
use crate::alarm::error::AlarmError;
use crate::alarm::record::{Alarm, CompositeRule, Kind, State, Suppressor, alarm_arn, alarm_key};
use crate::alarm::rule;
use crate::alarm::suppression::Suppression;

/// Composite alarms that may refer to one alarm.
const PARENTS_MAX: usize = 150;

pub(crate) async fn put_composite_alarm(
    cx: Cx<CloudWatch>,
    input: PutCompositeAlarmInput,
) -> Result<(), AlarmError> {
    check_name(&input.alarm_name)?;
    let tags = tags_of(input.tags.as_deref())?;
    let composite = composite(&cx, &input)?;
    let propagation = propagation(input.action_configuration.as_ref())?;
    let common = Common {
        description: input.alarm_description,
        actions_enabled: input.actions_enabled,
        ok_actions: input.ok_actions,
        alarm_actions: input.alarm_actions,
        insufficient_data_actions: input.insufficient_data_actions,
    };
    actions::check(cx.scope(), &common, &Kind::Composite(composite.clone()))?;
    put(&cx, &input.alarm_name, tags, |before, incarnation| {
        let mut composite = composite.clone();
        match before.map(Alarm::composite) {
            Some(None) => {
                return Err(AlarmError::invalid(format!(
                    "An alarm of another type with the name {} exists already",
                    input.alarm_name
                )));
            }
            Some(Some(old)) => {
                // AWS: another suppressor, or none, drops the timers of the one before (alarm-suppression).
                if old.suppressor == composite.suppressor {
                    composite.suppression = old.suppression;
                }
                if old.rule == composite.rule {
                    composite.seen.clone_from(&old.seen);
                }
            }
            None => {}
        }
        Ok(Alarm {
            incarnation,
            description: common.description.clone(),
            actions_enabled: common.actions_enabled.unwrap_or(true),
            ok_actions: common.ok_actions.clone().unwrap_or_default(),
            alarm_actions: common.alarm_actions.clone().unwrap_or_default(),
            insufficient_data_actions: common.insufficient_data_actions.clone().unwrap_or_default(),
            tags_propagation: propagation.clone(),
            created: before.map_or(cx.now, |before| before.created),
            configured: cx.now,
            kind: Kind::Composite(composite),
            state: before.map_or_else(|| State::initial(cx.now), |before| before.state.clone()),
            withheld: before.is_some_and(|before| before.withheld),
        })
    })
    .await
}

fn composite(cx: &Cx<CloudWatch>, input: &PutCompositeAlarmInput) -> Result<CompositeRule, AlarmError> {
    let parsed = rule::parse(&input.alarm_rule)
        .map_err(|error| AlarmError::invalid(format!("AlarmRule is invalid: {error}")))?;
    let mut children = BTreeSet::new();
    for reference in parsed.references() {
        children.insert(checked_name(cx, reference)?.to_owned());
    }
    if children.len() > rule::CHILDREN_MAX {
        return Err(AlarmError::invalid(format!(
            "AlarmRule must not refer to more than {} alarms",
            rule::CHILDREN_MAX
        )));
    }
    let alarms = &cx.service.alarms().alarms;
    let exists = |name: &str| alarms.contains(&alarm_key(cx.scope(), name));
    let missing: Vec<&str> = children.iter().map(String::as_str).filter(|name| !exists(name)).collect();
    if !missing.is_empty() {
        return Err(AlarmError::invalid(format!(
            "Could not save the composite alarm as alarms [{}] in the alarm rule do not exist",
            missing.join(", ")
        )));
    }
    let suppressor = suppressor(cx, input)?;
    if let Some(suppressor) = suppressor.as_ref().filter(|s| !exists(&s.name)) {
        return Err(AlarmError::invalid(format!(
            "Could not save the composite alarm as the suppressor alarm {} does not exist",
            suppressor.name
        )));
    }
    check_parents(cx, &input.alarm_name, &children)?;
    Ok(CompositeRule {
        rule: input.alarm_rule.clone(),
        children: children.into_iter().collect(),
        suppressor,
        suppression: Suppression::None,
        seen: None,
    })
}

/// AWS: an alarm can be a child of at most 150 composite alarms (API_PutCompositeAlarm).
fn check_parents(cx: &Cx<CloudWatch>, own: &str, children: &BTreeSet<String>) -> Result<(), AlarmError> {
    let mut parents: BTreeMap<&str, usize> = BTreeMap::new();
    cx.service.alarms().alarms.scan(&Prefix::new(cx.scope(), &[]), None, |key, alarm| {
        if let Some(rule) = alarm.composite()
            && key.parts().pop().as_deref() != Some(own)
        {
            for child in &rule.children {
                if let Some(child) = children.get(child) {
                    *parents.entry(child).or_default() += 1;
                }
            }
        }
        ControlFlow::Continue(())
    });
    match parents.into_iter().find(|(_, count)| *count >= PARENTS_MAX) {
        Some((child, _)) => Err(AlarmError::LimitExceeded(format!(
            "The alarm {child} is referred to by {PARENTS_MAX} composite alarms already"
        ))),
        None => Ok(()),
    }
}

/// The name in a reference; an ARN must be of an alarm of this account and Region.
fn checked_name<'a>(cx: &Cx<CloudWatch>, reference: &'a str) -> Result<&'a str, AlarmError> {
    let name = name_of(reference);
    if name.len() < reference.len() && alarm_arn(cx.scope(), name) != reference {
        return Err(AlarmError::invalid(format!("{reference} is not an alarm of this account and Region")));
    }
    Ok(name)
}

fn suppressor(cx: &Cx<CloudWatch>, input: &PutCompositeAlarmInput) -> Result<Option<Suppressor>, AlarmError> {
    let periods = (input.actions_suppressor_wait_period, input.actions_suppressor_extension_period);
    match (&input.actions_suppressor, periods) {
        (None, (None, None)) => Ok(None),
        (None, _) => Err(AlarmError::invalid(
            "ActionsSuppressorWaitPeriod and ActionsSuppressorExtensionPeriod require ActionsSuppressor",
        )),
        (Some(given), (Some(wait_secs), Some(extension_secs))) => {
            if wait_secs < 0 || extension_secs < 0 {
                return Err(AlarmError::invalid("Suppressor periods must not be negative"));
            }
            let name = checked_name(cx, given)?.to_owned();
            Ok(Some(Suppressor { given: given.clone(), name, wait_secs, extension_secs }))
        }
        (Some(_), _) => Err(AlarmError::invalid(
            "ActionsSuppressor requires ActionsSuppressorWaitPeriod and ActionsSuppressorExtensionPeriod",
        )),
    }
}
