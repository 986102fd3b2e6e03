//! Events as API Gateway sends them.

use lambda_http::Service as _;
use serde_json::json;

use crate::testing::{Memory, Story, TOKEN};

#[tokio::test]
async fn the_stage_is_no_part_of_the_path() {
    let story = Story::begin("FL-1", "Keep sessions").planned();
    let id = story.workflow.id.clone();
    let memory = Memory::with([story]);
    let event = json!({
        "resource": "/api/{proxy+}", "path": format!("/api/workflows/{id}/logs"), "httpMethod": "GET",
        "headers": {"host": "abc.execute-api.eu-west-1.amazonaws.com", "authorization": format!("Bearer {TOKEN}")},
        "multiValueHeaders": {}, "queryStringParameters": {"limit": "1"},
        "multiValueQueryStringParameters": {"limit": ["1"]}, "pathParameters": {"proxy": "x"}, "stageVariables": null,
        "requestContext": {"stage": "live", "resourcePath": "/api/{proxy+}", "httpMethod": "GET", "path": "/live/api",
            "requestId": "1", "accountId": "1", "apiId": "abc", "identity": {}, "resourceId": "x"},
        "body": null, "isBase64Encoded": false,
    });
    let request = lambda_http::request::from_str(&event.to_string()).unwrap();
    assert_eq!(request.uri().path(), format!("/live/api/workflows/{id}/logs"));
    let mut service = crate::without_stage(crate::app(memory.console()));
    let response = service.call(request).await.unwrap();
    assert_eq!(response.status(), 200);
}
