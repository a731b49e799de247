//! Lookup tables: kept, replaced, listed and deleted; of text and of a query's rows.

use super::*;
use crate::operations::lookup_tables;

fn create(name: &str, body: &str) -> CreateLookupTableRequest {
    CreateLookupTableRequest {
        lookup_table_name: name.to_owned(),
        table_body: Some(body.to_owned()),
        ..Default::default()
    }
}

async fn describe(f: &Fixture, limit: Option<i32>) -> DescribeLookupTablesResponse {
    let input = DescribeLookupTablesRequest { max_results: limit, ..Default::default() };
    lookup_tables::describe_lookup_tables(f.cx(), input).await.unwrap()
}

#[tokio::test]
async fn a_table_lives_until_it_is_deleted() {
    let f = Fixture::new().await;
    let input = CreateLookupTableRequest {
        description: Some("users".to_owned()),
        ..create("users", "id,name\n1,a\n")
    };
    let made = lookup_tables::create_lookup_table(f.cx(), input.clone()).await.unwrap();
    let arn = "arn:aws:logs:us-east-1:123456789012:lookup-table:users".to_owned();
    assert_eq!((made.lookup_table_arn.as_ref(), made.created_at), (Some(&arn), Some(START)));
    let again = told(lookup_tables::create_lookup_table(f.cx(), input).await);
    assert_eq!(again.0, "ResourceAlreadyExistsException");
    lookup_tables::create_lookup_table(f.cx(), create("other", "a\n")).await.unwrap();
    let f = f.restart().await;
    let get = GetLookupTableRequest { lookup_table_arn: arn.clone() };
    let found = lookup_tables::get_lookup_table(f.cx(), get.clone()).await.unwrap();
    assert_eq!(found.table_body.as_deref(), Some("id,name\n1,a\n"));
    assert_eq!(found.description.as_deref(), Some("users"));

    let first = describe(&f, Some(1)).await;
    assert_eq!(first.lookup_tables.unwrap()[0].lookup_table_name.as_deref(), Some("other"));
    assert!(first.next_token.is_some());
    let update = UpdateLookupTableRequest {
        lookup_table_arn: arn.clone(),
        table_body: Some("id\n1\n2\n".to_owned()),
        ..Default::default()
    };
    lookup_tables::update_lookup_table(f.cx(), update.clone()).await.unwrap();
    let all = describe(&f, None).await.lookup_tables.unwrap();
    assert_eq!((all[1].records_count, all[1].size_bytes), (Some(2), Some(7)));
    assert_eq!(all[1].table_fields.as_deref(), Some(["id".to_owned()].as_slice()));
    assert_eq!(all[1].description, None, "an update replaces everything");

    let delete = DeleteLookupTableRequest { lookup_table_arn: arn };
    lookup_tables::delete_lookup_table(f.cx(), delete.clone()).await.unwrap();
    assert_eq!(told(lookup_tables::delete_lookup_table(f.cx(), delete).await).0, "ResourceNotFoundException");
    assert_eq!(told(lookup_tables::get_lookup_table(f.cx(), get).await).0, "ResourceNotFoundException");
    assert_eq!(told(lookup_tables::update_lookup_table(f.cx(), update).await).0, "ResourceNotFoundException");
}

#[tokio::test]
async fn a_table_is_made_of_a_body_or_a_query() {
    let f = Fixture::new().await;
    for bad in [
        CreateLookupTableRequest { table_body: None, ..create("t", "") },
        CreateLookupTableRequest { query_id: Some("q".to_owned()), ..create("t", "a\n") },
        CreateLookupTableRequest { table_body: None, query_id: Some("none".to_owned()), ..create("t", "") },
        CreateLookupTableRequest { kms_key_id: Some("k".to_owned()), ..create("t", "a\n") },
        create("t", "a,a\n"),
    ] {
        let refused = told(lookup_tables::create_lookup_table(f.cx(), bad).await);
        assert_eq!(refused.0, "InvalidParameterException");
    }
    f.create_group("g").await;
    f.create_stream("g", "s").await;
    f.put("g", "s", &[(0, "x"), (1, "y")]).await.unwrap();
    let query = StartQueryRequest {
        log_group_name: Some("g".to_owned()),
        start_time: START / 1000 - 10,
        end_time: START / 1000 + 10,
        query_string: "fields @message | sort @message asc".to_owned(),
        ..Default::default()
    };
    let id = query_operations::start_query(f.cx(), query).await.unwrap().query_id.unwrap();
    f.logs.queries.find(&f.caller.scope, &id).unwrap().job.finished().await;
    let of_query = CreateLookupTableRequest { table_body: None, query_id: Some(id), ..create("t", "") };
    lookup_tables::create_lookup_table(f.cx(), of_query).await.unwrap();
    assert_eq!(f.logs.lookup_table(&f.caller.scope, "t").unwrap(), "@message\nx\ny\n");
}
