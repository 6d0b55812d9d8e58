//! The places of a request in which a secret may stand.

use crate::base64;
use crate::recorded::{Call, URL, percent};
use serde_json::json;

/// Places that give any secret away: a header, a member or a variable of a telling name.
pub fn named(secret: &str) -> Vec<(&'static str, Call)> {
    let n = std::cell::Cell::new(0);
    let call = || {
        n.set(n.get() + 1);
        Call::saying(&format!("question {}", n.get()))
    };
    let chat = |message: serde_json::Value| {
        let body = json!({"model": "m", "messages": [message]});
        Call::of(body.to_string())
    };
    let tool = |tool: serde_json::Value| {
        let body = json!({"model": "m", "input": "x", "tools": [tool]});
        Call::of(body.to_string())
    };
    let arguments = |text: String| {
        let function = json!({"name": "login", "arguments": text});
        let tool_call = json!({"id": "call_1", "type": "function", "function": function});
        chat(json!({"role": "assistant", "tool_calls": [tool_call]}))
    };
    let url = |url: String| Call { url, ..call() };
    let one_line = !secret.contains('\n');
    let mut places = vec![
        ("a member api_key", Call::of(json!({"model": "m", "api_key": secret}).to_string())),
        (
            "a member deep down",
            tool(json!({"type": "x", "config": {"auth": [{"client_secret": secret}]}})),
        ),
        ("a list of api keys", tool(json!({"type": "list", "api_key": ["none", secret]}))),
        ("authorization of an MCP tool", tool(json!({"type": "mcp", "authorization": secret}))),
        (
            "authorization_token of an MCP server",
            tool(json!({"type": "url", "url": "https://mcp.h/sse", "authorization_token": secret})),
        ),
        (
            "headers of an MCP tool",
            tool(json!({"type": "mcp", "headers": {"Authorization": format!("Bearer {secret}")}})),
        ),
        (
            "a token header of an MCP tool",
            tool(json!({"type": "mcp", "headers": {"X-Service-Token": secret}})),
        ),
        (
            "input of a tool",
            chat(json!({"role": "assistant", "content": [
                {"type": "tool_use", "id": "1", "name": "login", "input": {"password": secret}}
            ]})),
        ),
        (
            "authentication of an Azure data source",
            Call::of(
                json!({"model": "m", "data_sources": [{"type": "azure_search", "parameters":
                {"authentication": {"type": "api_key", "key": secret}}}]})
                .to_string(),
            ),
        ),
    ];
    if one_line {
        places.extend([
            ("a bearer", call().with_header("Authorization", &format!("Bearer {secret}"))),
            ("x-api-key", call().with_header("X-Api-Key", secret)),
            ("api-key", call().with_header("api-key", secret)),
            ("x-goog-api-key", call().with_header("x-goog-api-key", secret)),
            ("a cookie", call().with_header("Cookie", &format!("a=b; session={secret}"))),
            ("a header of its own name", call().with_header("x-corp-token", secret)),
            ("a session token of AWS", call().with_header("x-amz-security-token", secret)),
            (
                "a header, and the prompt",
                Call::saying(&format!("my key is {secret}.")).with_header("x-api-key", secret),
            ),
            (
                "a header, and base64 in the prompt",
                Call::saying(&base64::encode(format!("key: {secret}\n").as_bytes()))
                    .with_header("x-api-key", secret),
            ),
            (
                "a header, and a name of a member",
                tool(json!({"type": "object", (secret): 1})).with_header("x-api-key", secret),
            ),
            (
                "basic authorization",
                call().with_header(
                    "Authorization",
                    &format!("Basic {}", base64::encode(format!("user:{secret}").as_bytes())),
                ),
            ),
            ("the query", url(format!("{URL}?key={}", percent(secret)))),
            ("the query, as a signature", url(format!("{URL}?sig={}&v=2", percent(secret)))),
            ("the query, by a long name", url(format!("{URL}?corp_api_key={}", percent(secret)))),
            (
                "the password of the URL",
                url(URL.replace("://", &format!("://user:{}@", percent(secret)))),
            ),
            ("the user of the URL", url(URL.replace("://", &format!("://{}@", percent(secret))))),
            (
                "a header, and the path",
                Call {
                    url: format!("https://gateway.corp/{}/v1/chat/completions", percent(secret)),
                    ..call().with_header("x-api-key", secret)
                },
            ),
            ("an assignment", Call::saying(&format!("why? export CORP_API_KEY={secret}\n"))),
            ("a quoted assignment", Call::saying(&format!("why? client_secret: \"{secret}\","))),
            ("arguments of a tool call", arguments(json!({"api_key": secret, "n": 1}).to_string())),
            (
                "arguments within arguments",
                arguments(
                    json!({"body": json!({"client_secret": secret}).to_string(), "n": 2})
                        .to_string(),
                ),
            ),
            (
                "a multipart field",
                multipart(&format!("{{\"api_key\": \"{secret}\"}}"), "application/json"),
            ),
            ("a multipart file", multipart(&format!("CORP_API_KEY={secret}\n"), "text/plain")),
        ]);
    }
    places
}

/// Places that say nothing of what stands there: the format gives a secret away.
pub fn plain(secret: &str) -> Vec<(&'static str, Call)> {
    let message = |content: serde_json::Value| {
        let message = json!({"role": "user", "content": content});
        Call::of(json!({"model": "m", "messages": [message]}).to_string())
    };
    let mut places = vec![
        ("the prompt", Call::saying(secret)),
        ("a sentence", Call::saying(&format!("is {secret} valid?"))),
        ("the end of a sentence", Call::saying(&format!("It is {secret}."))),
        ("quotes", Call::saying(&format!("say \"{secret}\" or '{secret}'"))),
        ("brackets", Call::saying(&format!("<k>{secret}</k> [{secret}] ({secret})"))),
        ("lines", Call::saying(&format!("a\n{secret}\nb\t{secret}\r\n"))),
        ("a part", message(json!([{"type": "text", "text": format!("x {secret}")}]))),
        ("a list", message(json!(["a", secret, "b"]))),
        ("a name of a member", Call::of(json!({"model": "m", (secret): 1}).to_string())),
        (
            "a value of JSON in a string",
            Call::saying(&json!({"note": secret, "list": [secret]}).to_string()),
        ),
        (
            "JSON in JSON in a string",
            Call::saying(&json!({"x": json!({"note": secret}).to_string()}).to_string()),
        ),
        ("a result of a tool", message(json!([{"type": "tool_result", "content": secret}]))),
    ];
    if !secret.contains('\n') {
        let encoded = percent(secret);
        places.extend([
            (
                "an escaped query in a prompt",
                Call::saying(&format!("GET /x?next=%2F%3Fk%3D{encoded}")),
            ),
            ("a query in a prompt", Call::saying(&format!("GET https://h/x?k={secret}&b=1"))),
            (
                "the path",
                Call {
                    url: format!("https://gateway.corp/{secret}/v1/chat/completions"),
                    ..Call::saying("a path")
                },
            ),
            (
                "the query, by a name of no meaning",
                Call { url: format!("{URL}?foo={secret}"), ..Call::saying("a query") },
            ),
            ("a header that takes part", Call::saying("beta").with_header("openai-beta", secret)),
            ("a multipart part", multipart(secret, "text/plain")),
            ("a file name", multipart_named(&format!("{secret}.txt"))),
            ("the URL of a database", Call::saying(&format!("postgres://u:{encoded}@db/x"))),
            ("a model's name", Call::of(json!({"model": secret, "messages": []}).to_string())),
        ]);
    }
    places
}

fn multipart(content: &str, content_type: &str) -> Call {
    upload("a.txt", content, content_type)
}

fn multipart_named(name: &str) -> Call {
    upload(name, "nothing", "text/plain")
}

fn upload(name: &str, content: &str, content_type: &str) -> Call {
    let body = format!(
        "--b1\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\
         Content-Type: {content_type}\r\n\r\n{content}\r\n--b1--\r\n"
    );
    Call {
        url: "https://api.openai.com/v1/audio/transcriptions".to_owned(),
        headers: vec![("content-type".into(), "multipart/form-data; boundary=b1".into())],
        body: body.into_bytes(),
    }
}
