"""Requests that say who asks: SOAP envelopes, OAuth forms, assertions and Authorization headers."""

from __future__ import annotations

import base64
import json
import random
import time
from typing import Any
from urllib.parse import quote

from tests.emulator.asgi_driver import Request
from tests.emulator.malformed.spoiling import (
    FORM,
    NASTY_TEXTS,
    SOAP,
    XML,
    spoiled_bytes,
    spoiled_value,
)
from tests.local_org import DATA

_ENVELOPE = (
    '<?xml version="1.0" encoding="UTF-8"?>'
    '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" '
    'xmlns:urn="urn:partner.soap.sforce.com" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
    "<soapenv:Header><urn:SessionHeader><urn:sessionId>{token}</urn:sessionId></urn:SessionHeader></soapenv:Header>"
    "<soapenv:Body>{body}</soapenv:Body></soapenv:Envelope>"
)
_CALLS = (
    "<urn:login><urn:username>integration@local-org.example</urn:username><urn:password>x</urn:password></urn:login>",
    "<urn:convertLead><urn:leadConverts><urn:leadId>00Q000000000000AAA</urn:leadId>"
    "<urn:convertedStatus>Closed - Converted</urn:convertedStatus></urn:leadConverts></urn:convertLead>",
    '<urn:merge><urn:request><urn:masterRecord xsi:type="urn:Lead"><urn:type>Lead</urn:type>'
    "<urn:Id>00Q000000000000AAA</urn:Id></urn:masterRecord>"
    "<urn:recordToMergeIds>00Q000000000001AAA</urn:recordToMergeIds></urn:request></urn:merge>",
    '<urn:merge><urn:request><urn:masterRecord xsi:type="urn:Contact"><urn:type>Contact</urn:type>'
    "<urn:Id>{contact}</urn:Id><urn:Phone>1</urn:Phone></urn:masterRecord>"
    "<urn:recordToMergeIds>{lead}</urn:recordToMergeIds></urn:request></urn:merge>",
    "<urn:undelete><urn:ids>{lead}</urn:ids><urn:ids>{contact}</urn:ids></urn:undelete>",
    "<urn:delete><urn:ids>{lead}</urn:ids></urn:delete>",
    "<urn:query><urn:queryString>SELECT Id FROM Lead LIMIT 1</urn:queryString></urn:query>",
    "<urn:describeSObject><urn:sObjectType>Lead</urn:sObjectType></urn:describeSObject>",
    "<urn:getUserInfo/>",
    "<urn:getServerTimestamp/>",
    "<urn:logout/>",
)
_DOCTYPES = (
    '<!DOCTYPE a [<!ENTITY x "ha"><!ENTITY y "&x;&x;&x;&x;&x;&x;&x;&x;">]>',
    '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>',
    '<!DOCTYPE a SYSTEM "http://127.0.0.1:1/x.dtd">',
    '<!DOCTYPE a [<!ENTITY % p SYSTEM "file:///etc/passwd">%p;]>',
)


def xml_input(rng: random.Random) -> list[Request]:
    call = rng.choice(_CALLS)
    token = "{token}" if rng.random() < 0.8 else rng.choice(NASTY_TEXTS[4:20])
    text = _ENVELOPE.replace("{token}", token).replace("{body}", call)
    declaration, rest = text[:38], text[38:]
    match rng.randrange(9):
        case 0:
            rest = rng.choice(_DOCTYPES) + rest.replace("00Q000000000000AAA", "&x;&y;").replace(
                "{token}", "&y;"
            )
        case 1:
            declaration = declaration.replace(
                "UTF-8",
                rng.choice(
                    ("utf-16", "utf-7", "nonsense", "idna", "rot13", "ascii", "utf-8-sig", "hex", "zlib")
                ),
            )
        case 2:
            depth = rng.choice((10, 1_000, 20_000))
            rest = rest.replace(call, "<a>" * depth + call + "</a>" * depth)
        case 3:
            rest = rest.replace("00Q000000000000AAA", _xml_text(rng.choice(NASTY_TEXTS)))
        case 4:
            rest = rest.replace(call, call * rng.choice((0, 2, 201)))
        case 5:
            rest = rest.replace("urn:", rng.choice(("", "x:", "urn:urn:", "soapenv:")), rng.randint(1, 12))
        case _:
            pass
    body = (declaration + rest).encode("utf-8", "surrogatepass")
    if rng.random() < 0.6:
        body = spoiled_bytes(rng, body)
    target = rng.choice(
        (
            SOAP,
            SOAP,
            SOAP,
            f"{SOAP}/",
            f"{SOAP}/00D000000000001",
            "/services/Soap/u/66.0",
            "/services/Soap/c/59.0",
        )
    )
    return [Request("POST", target, XML, body)]


def _xml_text(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;")


# -- tokens

_GRANTS = (
    "client_credentials",
    "password",
    "urn:ietf:params:oauth:grant-type:jwt-bearer",
    "refresh_token",
    "",
)


def token_input(rng: random.Random) -> list[Request]:
    if rng.random() < 0.35:
        header = ("authorization", _authorization(rng))
        target = rng.choice(
            (f"{DATA}/limits", "/services/oauth2/userinfo", f"{DATA}/query?q=SELECT+Id+FROM+Lead")
        )
        return [Request("GET", target, (header,))]
    form = {
        "grant_type": rng.choice(_GRANTS),
        "client_id": rng.choice(("key", "ключ", *NASTY_TEXTS[:20])),
        "client_secret": rng.choice(("secret", *NASTY_TEXTS[:20])),
        "username": rng.choice(("integration@local-org.example", *NASTY_TEXTS)),
        "password": rng.choice(("x", *NASTY_TEXTS)),
        "assertion": _assertion(rng),
    }
    for name in rng.sample(list(form), rng.randrange(3)):
        del form[name]
    body = "&".join(
        f"{name}={quote(value.encode('utf-8', 'surrogatepass'))}" for name, value in form.items()
    ).encode()
    if rng.random() < 0.5:
        body = spoiled_bytes(rng, body)
    headers = FORM if rng.random() < 0.7 else (*FORM, ("authorization", _authorization(rng)))
    return [Request("POST", "/services/oauth2/token", headers, body, signed_in=False)]


def _authorization(rng: random.Random) -> str:
    scheme = rng.choice(("Bearer", "OAuth", "Basic", "basic", "Digest", "", "Bearer Bearer", "\xff"))
    rest = rng.choice(
        ("", " ", "x", "=" * 9, "00D000000000001!\xe9", "a" * 9_000, "{token}x", _assertion(rng))
    )
    if scheme.lower() == "basic" and rng.random() < 0.8:
        rest = base64.b64encode(
            rng.choice((b":", b"\xff:\xfe", b"key:", b"no colon", b"key:secret:more", b""))
        ).decode()
    return f"{scheme} {rest[:9_000]}"


def _assertion(rng: random.Random) -> str:
    header: Any = {"alg": rng.choice(("RS256", "none", "HS256", "ES256", "PS512", 5, None)), "typ": "JWT"}
    claims: Any = {
        "iss": "key",
        "sub": "integration@local-org.example",
        "aud": rng.choice(("https://login.salesforce.com", [], {"a": 1}, "http://[", "//")),
        "exp": rng.choice((int(time.time()) + 60, 0, -1, 1e400, "soon", None, 10**30, [])),
    }
    if rng.random() < 0.5:
        header = spoiled_value(rng, {**header, "crit": ["b64"], "b64": False, "kid": "../key"})
    if rng.random() < 0.5:
        claims = spoiled_value(rng, claims)
    parts = [
        _segment(header),
        _segment(claims),
        base64.urlsafe_b64encode(rng.randbytes(rng.choice((0, 3, 256)))).decode(),
    ]
    text = ".".join(parts[: rng.choice((1, 2, 3, 3, 3, 3))])
    return spoiled_bytes(rng, text.encode()).decode("latin-1") if rng.random() < 0.3 else text


def _segment(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()
