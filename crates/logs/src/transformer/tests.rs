//! The vectors of `spec/logs-more.md` §4.3, and what is refused.

use super::*;
use crate::error::LogsError;

const NESTED: &str = r#"{"outer_key":{"inner_key":"inner_value"}}"#;

fn compile(config: &str) -> Result<Transformer, LogsError> {
    let steps: Vec<Step> = serde_json::from_str(config).unwrap();
    Transformer::compile(&steps)
}

fn apply(config: &str, message: &str) -> Option<String> {
    let origin = Origin { account: "1", region: "r", group: "g", stream: "s" };
    compile(config).unwrap().apply(message, origin)
}

/// Processors behind a parseJSON.
fn json(more: &str, message: &str) -> String {
    apply(&format!(r#"[{{"parseJSON":{{}}}},{more}]"#), message).unwrap()
}

#[test]
fn vectors_of_parsers() {
    for (config, message, expected) in [
        (
            r#"[{"parseJSON":{"destination":"new_key"}}]"#,
            NESTED,
            r#"{"new_key":{"outer_key":{"inner_key":"inner_value"}}}"#,
        ),
        (
            r#"[{"grok":{"match":"%{NUMBER:version} %{HOSTNAME:hostname} %{NOTSPACE:status} %{QUOTEDSTRING:logMsg}"}}]"#,
            r#"293750 server-01.internal-network.local OK "[Thread-000] token generated""#,
            r#"{"version":"293750","hostname":"server-01.internal-network.local","status":"OK","logMsg":"[Thread-000] token generated"}"#,
        ),
        (
            r#"[{"grok":{"match":"%{IP:client.ip} %{WORD:method} %{URIPATHPARAM:request.uri} %{NUMBER:response.status} %{NUMBER:response.bytes}"}}]"#,
            "192.168.1.1 GET /index.html?param=value 200 1234",
            r#"{"client":{"ip":"192.168.1.1"},"method":"GET","request":{"uri":"/index.html?param=value"},"response":{"status":"200","bytes":"1234"}}"#,
        ),
        (
            r#"[{"csv":{"delimiter":":","quoteCharacter":"'"}}]"#,
            "'Akua Mansa':28:'New York: USA'",
            r#"{"column_1":"Akua Mansa","column_2":"28","column_3":"New York: USA"}"#,
        ),
        (
            r#"[{"parseKeyValue":{"destination":"new_key","fieldDelimiter":"!","keyValueDelimiter":":","nonMatchValue":"defaultValue","keyPrefix":"parsed_"}}]"#,
            "key1:value1!key2:value2!key3:value3!key4",
            r#"{"new_key":{"parsed_key1":"value1","parsed_key2":"value2","parsed_key3":"value3","parsed_key4":"defaultValue"}}"#,
        ),
        (
            r#"[{"parseVPC":{}}]"#,
            "2 123456789010 eni-abc123de 192.0.2.0 192.0.2.24 20641 22 6 20 4249 1418530010 1418530070 ACCEPT OK",
            r#"{"version":2,"accountId":"123456789010","interfaceId":"eni-abc123de","srcAddr":"192.0.2.0","dstAddr":"192.0.2.24","srcPort":20641,"dstPort":22,"protocol":6,"packets":20,"bytes":4249,"start":1418530010,"end":1418530070,"action":"ACCEPT","logStatus":"OK"}"#,
        ),
        (
            r#"[{"parseRoute53":{}}]"#,
            "1.0 2017-12-13T08:15:50.235Z Z123412341234 example.com AAAA NOERROR TCP IAD12 192.0.2.0 198.51.100.0/24",
            r#"{"version":1.0,"queryTimestamp":"2017-12-13T08:15:50.235Z","hostZoneId":"Z123412341234","queryName":"example.com","queryType":"AAAA","responseCode":"NOERROR","protocol":"TCP","edgeLocation":"IAD12","resolverIp":"192.0.2.0","ednsClientSubnet":"198.51.100.0/24"}"#,
        ),
        (
            r#"[{"parsePostgres":{}}]"#,
            r#"2019-03-10 03:54:59 UTC:10.0.0.123(52834):postgres@logtestdb:[20175]:ERROR: column "x" does not exist"#,
            r#"{"logTime":"2019-03-10 03:54:59 UTC","srcIp":"10.0.0.123(52834)","userName":"postgres","dbName":"logtestdb","processId":"20175","logLevel":"ERROR"}"#,
        ),
        (
            r#"[{"grok":{"match":"%{SYSLOG5424}"}}]"#,
            r#"<165>1 2003-10-11T22:14:15.003Z host app - ID47 [ex@1 a="b"] hello there"#,
            r#"{"pri":165,"version":1,"timestamp":"2003-10-11T22:14:15.003Z","hostname":"host","app":"app","msg_id":"ID47","structured_data":"[ex@1 a=\"b\"]","message":" hello there"}"#,
        ),
    ] {
        assert_eq!(apply(config, message).as_deref(), Some(expected), "{config}");
    }
    // Vector 18; fields come in the order of the line.
    let line = r#"127.0.0.1 - - [03/Aug/2023:12:34:56 +0000] "GET /page.html HTTP/1.1" 200 1234"#;
    let found = apply(r#"[{"grok":{"match":"%{APACHE_ACCESS_LOG}"}}]"#, line).unwrap();
    let expected = r#"{"request":"/page.html","http_method":"GET","status_code":200,"http_version":"1.1","response_size":1234,"remote_host":"127.0.0.1","timestamp":"2023-08-03T12:34:56Z"}"#;
    let parsed = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
    assert_eq!(parsed(&found), parsed(expected));
}

#[test]
fn vectors_of_mutators() {
    for (more, message, expected) in [
        (
            r#"{"addKeys":{"entries":[{"key":"outer_key.new_key","value":"new_value"}]}}"#,
            NESTED,
            r#"{"outer_key":{"inner_key":"inner_value","new_key":"new_value"}}"#,
        ),
        (r#"{"deleteKeys":{"withKeys":["outer_key.inner_key"]}}"#, NESTED, r#"{"outer_key":{}}"#),
        (
            r#"{"moveKeys":{"entries":[{"source":"outer_key1.inner_key1","target":"outer_key2"}]}}"#,
            r#"{"outer_key1":{"inner_key1":"v1"},"outer_key2":{"inner_key2":"v2"}}"#,
            r#"{"outer_key1":{},"outer_key2":{"inner_key2":"v2","inner_key1":"v1"}}"#,
        ),
        (
            r#"{"typeConverter":{"entries":[{"key":"status","type":"integer"}]}}"#,
            r#"{"name":"value","status":"200"}"#,
            r#"{"name":"value","status":200}"#,
        ),
        (
            r#"{"substituteString":{"entries":[{"source":"k","from":"cat","to":"dog"}]}}"#,
            r#"{"k":"A cat takes a catnap."}"#,
            r#"{"k":"A dog takes a dognap."}"#,
        ),
        (
            r#"{"substituteString":{"entries":[{"source":"k","from":"(\\w+), (\\w+), and (\\w+)","to":"$1 and $3"}]}}"#,
            r#"{"k":"Tom, Dick, and Harry"}"#,
            r#"{"k":"Tom and Harry"}"#,
        ),
        (
            r#"{"splitString":{"entries":[{"source":"k","delimiter":", "}]}}"#,
            r#"{"k":"item1, item2, item3"}"#,
            r#"{"k":["item1","item2","item3"]}"#,
        ),
        (
            r#"{"listToMap":{"source":"o","key":"k","valueKey":"v"}}"#,
            r#"{"o":[{"k":"a","v":"1"},{"k":"b","v":"2"},{"k":"b","v":"3"}]}"#,
            r#"{"o":[{"k":"a","v":"1"},{"k":"b","v":"2"},{"k":"b","v":"3"}],"a":["1"],"b":["2","3"]}"#,
        ),
        (
            r#"{"listToMap":{"source":"o","key":"k","valueKey":"v","flatten":true,"flattenedElement":"last"}},{"deleteKeys":{"withKeys":["o"]}}"#,
            r#"{"o":[{"k":"a","v":"1"},{"k":"b","v":"2"},{"k":"b","v":"3"}]}"#,
            r#"{"a":"1","b":"3"}"#,
        ),
        (
            r#"{"renameKeys":{"entries":[{"key":"a","renameTo":"b"},{"key":"c","renameTo":"d"}]}}"#,
            r#"{"a":1,"b":2,"c":3}"#,
            r#"{"a":1,"b":2,"d":3}"#,
        ),
        (
            r#"{"copyValue":{"entries":[{"source":"@logGroupName","target":"x.group"},{"source":"a","target":"x.a"},{"source":"none","target":"y"}]}}"#,
            r#"{"a":[1]}"#,
            r#"{"a":[1],"x":{"group":"g","a":[1]}}"#,
        ),
        (
            r#"{"lowerCaseString":{"withKeys":["a.0"]}},{"upperCaseString":{"withKeys":["b"]}},{"trimString":{"withKeys":["c"]}}"#,
            r#"{"a":["X"],"b":"yé","c":" z "}"#,
            r#"{"a":["x"],"b":"YÉ","c":"z"}"#,
        ),
        (
            r#"{"dateTimeConverter":{"source":"t","target":"t2","matchPatterns":["epoch","dd/MM/yyyy HH:mm"],"targetFormat":"yyyy-MM-dd HH:mm z","targetTimezone":"Europe/Paris"}}"#,
            r#"{"t":"02/01/2024 03:04"}"#,
            r#"{"t":"02/01/2024 03:04","t2":"2024-01-02 04:04 Europe/Paris"}"#,
        ),
        // What does not apply changes nothing.
        (
            r#"{"splitString":{"entries":[{"source":"x","delimiter":","}]}},{"typeConverter":{"entries":[{"key":"a","type":"integer"}]}},{"addKeys":{"entries":[{"key":"a.b","value":"c"}]}}"#,
            r#"{"a":"b"}"#,
            r#"{"a":"b"}"#,
        ),
    ] {
        assert_eq!(json(more, message), expected, "{more}");
    }
}

#[test]
fn messages_that_no_parser_reads_have_no_transformed_form() {
    for config in [
        r#"[{"parseJSON":{}},{"addKeys":{"entries":[{"key":"a","value":"b"}]}}]"#,
        r#"[{"parseVPC":{}}]"#,
        r#"[{"grok":{"match":"^%{IP:ip}$"}}]"#,
    ] {
        assert_eq!(apply(config, "plain text"), None, "{config}");
    }
}

#[test]
fn what_is_refused() {
    for config in [
        "[]".to_owned(),
        r#"[{"addKeys":{"entries":[]}}]"#.to_owned(),
        r#"[{"parseJSON":{}},{"parseVPC":{}}]"#.to_owned(),
        r#"[{"parseJSON":{"source":"a"}}]"#.to_owned(),
        r#"[{"parseVPC":{"source":"a"}}]"#.to_owned(),
        r#"[{"parseJSON":{}},{"deleteKeys":{"withKeys":["a.b.c.d"]}}]"#.to_owned(),
        r#"[{"parseJSON":{}},{"deleteKeys":{"withKeys":["a..b"]}}]"#.to_owned(),
        r#"[{"grok":{"match":"%{WORD:a}"}},{"grok":{"match":"%{WORD:b}"}}]"#.to_owned(),
        r#"[{"csv":{"delimiter":"::"}}]"#.to_owned(),
        r#"[{"parseJSON":{}},{"typeConverter":{"entries":[{"key":"a","type":"float"}]}}]"#.to_owned(),
        r#"[{"parseJSON":{}},{"substituteString":{"entries":[{"source":"a","from":"(","to":"b"}]}}]"#.to_owned(),
        r#"[{"parseJSON":{}},{"listToMap":{"source":"a","key":"k","flatten":true}}]"#.to_owned(),
        r#"[{"parseJSON":{}},{"dateTimeConverter":{"source":"a","target":"b","matchPatterns":["yyyy"],"sourceTimezone":"Mars"}}]"#.to_owned(),
        format!("[{}]", [r#"{"parseJSON":{}}"#; 6].join(",")),
        format!("[{}]", [r#"{"parseJSON":{}}"#; 1].iter().chain(&[r#"{"deleteKeys":{"withKeys":["a"]}}"#; 20]).copied().collect::<Vec<_>>().join(",")),
    ] {
        assert!(matches!(compile(&config), Err(LogsError::InvalidParameter(_))), "{config}");
    }
}

#[test]
fn configurations_survive_the_api_and_the_catalog() {
    let text = r#"[{"parseJSON":{"source":null,"destination":"a"}},{"substituteString":{"entries":[{"source":"a","from":"b","to":"c"}]}},{"typeConverter":{"entries":[{"key":"a","type":"integer"}]}},{"listToMap":{"source":"a","key":"b","valueKey":"c","target":"d","flatten":true,"flattenedElement":"first"}}]"#;
    let steps: Vec<Step> = serde_json::from_str(text).unwrap();
    assert_eq!(config::of_request(config::shapes(&steps)).unwrap(), steps);
    assert_eq!(serde_json::to_string(&steps).unwrap(), text);
    let two = shapes::logs::Processor {
        parse_json: Some(Default::default()),
        parse_vpc: Some(Default::default()),
        ..Default::default()
    };
    let ocsf = shapes::logs::Processor { parse_to_ocsf: Some(Default::default()), ..Default::default() };
    for bad in [two, ocsf, Default::default()] {
        assert!(config::of_request(vec![bad]).is_err());
    }
}
