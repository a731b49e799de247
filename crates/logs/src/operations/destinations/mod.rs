//! Destinations: put, policy, describe, delete.

mod delete_destination;
mod describe_destinations;
mod put_destination;
mod put_destination_policy;

pub(super) use delete_destination::delete_destination;
pub(super) use describe_destinations::describe_destinations;
pub(super) use put_destination::put_destination;
pub(super) use put_destination_policy::put_destination_policy;

use base::Scope;
use shapes::logs::Destination as Shape;

use crate::destination::{Destination, destination_arn};

fn shape(scope: &Scope, name: &str, destination: &Destination) -> Shape {
    Shape {
        destination_name: Some(name.to_owned()),
        target_arn: Some(destination.target_arn.clone()),
        role_arn: Some(destination.role_arn.clone()),
        access_policy: destination.access_policy.clone(),
        arn: Some(destination_arn(scope, name)),
        creation_time: Some(destination.creation_time.as_millis()),
    }
}
