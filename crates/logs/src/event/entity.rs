//! The entity a producer names with its events. Bad ones are reported; the events are accepted all the same
//! (API_PutLogEvents.html, API_Entity.html).

use shapes::logs::{Entity, EntityRejectionErrorType, RejectedEntityInfo};

use crate::group::Class;

/// Key attributes an entity may have.
const KEYS: [&str; 5] = ["Type", "ResourceType", "Identifier", "Name", "Environment"];

/// Why the entity is not taken; `None` if it is sound.
pub(crate) fn reject(entity: &Entity, class: Class) -> Option<RejectedEntityInfo> {
    let error_type = if class != Class::Standard {
        Some(EntityRejectionErrorType::UnsupportedLogGroupType)
    } else {
        fault(entity)
    };
    error_type.map(|error_type| RejectedEntityInfo { error_type })
}

fn fault(entity: &Entity) -> Option<EntityRejectionErrorType> {
    let Some(keys) = entity.key_attributes.as_ref().filter(|keys| !keys.is_empty()) else {
        return Some(EntityRejectionErrorType::MissingRequiredFields);
    };
    if keys.keys().any(|key| !KEYS.contains(&key.as_str())) {
        return Some(EntityRejectionErrorType::InvalidKeyAttributes);
    }
    let required: &[&str] = match keys.get("Type").map(String::as_str) {
        None => return Some(EntityRejectionErrorType::MissingRequiredFields),
        Some("Service" | "RemoteService") => &["Name"],
        Some("Resource" | "RemoteResource" | "AWS::Resource") => &["ResourceType", "Identifier"],
        Some("AWS::Service") => &["Name"],
        Some(_) => return Some(EntityRejectionErrorType::InvalidTypeValue),
    };
    let missing = required.iter().any(|key| !keys.contains_key(*key));
    missing.then_some(EntityRejectionErrorType::MissingRequiredFields)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_of_entities() {
        let entity = |keys: &[(&str, &str)]| Entity {
            key_attributes: Some(keys.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()),
            attributes: None,
        };
        use EntityRejectionErrorType as E;
        type Row<'a> = (&'a [(&'a str, &'a str)], Option<E>);
        let rows: &[Row<'_>] = &[
            (&[("Type", "Service"), ("Name", "n"), ("Environment", "e")], None),
            (&[("Type", "AWS::Resource"), ("ResourceType", "t"), ("Identifier", "i")], None),
            (&[("Type", "Service"), ("Environment", "e")], Some(E::MissingRequiredFields)),
            (&[("Name", "n"), ("Environment", "e")], Some(E::MissingRequiredFields)),
            (&[("Type", "Planet"), ("Name", "n")], Some(E::InvalidTypeValue)),
            (&[("Type", "Service"), ("Colour", "red")], Some(E::InvalidKeyAttributes)),
            (&[], Some(E::MissingRequiredFields)),
        ];
        for (keys, expected) in rows {
            let found = reject(&entity(keys), Class::Standard).map(|info| info.error_type);
            assert_eq!(found, *expected, "{keys:?}");
        }
        assert!(reject(&entity(rows[0].0), Class::InfrequentAccess).is_some());
    }
}
