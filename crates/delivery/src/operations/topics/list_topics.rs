//! ListTopics: all topics of account and Region, in order of their names.

use shapes::sns::{ListTopicsInput, ListTopicsResponse, Topic};
use smithy::Cx;

use super::super::{PAGE_SIZE, page_start};
use crate::Sns;
use crate::error::SnsError;
use crate::topic::{topic_key, topics_of};

const PURPOSE: &str = "ListTopics";

pub(crate) async fn list_topics(cx: Cx<Sns>, input: ListTopicsInput) -> Result<ListTopicsResponse, SnsError> {
    let start = page_start(PURPOSE, input.next_token.as_deref())?;
    let after = start.as_deref().and_then(|parts| parts.first()).map(|name| topic_key(cx.scope(), name));
    let mut found = cx.service.topics.list(&topics_of(cx.scope()), after.as_ref(), PAGE_SIZE + 1);
    let more = found.len() > PAGE_SIZE;
    found.truncate(PAGE_SIZE);
    let names: Vec<String> = found.iter().map(|entry| entry.key.parts().pop().unwrap_or_default()).collect();
    let next_token = names.last().filter(|_| more).map(|name| base::page_token::encode(PURPOSE, &[name]));
    let topics = names.iter().map(|name| Topic { topic_arn: Some(cx.scope().arn("sns", name)) }).collect();
    Ok(ListTopicsResponse { topics: Some(topics), next_token })
}
