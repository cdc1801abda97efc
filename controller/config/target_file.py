"""Schema of ``health.targets`` in ``policy.yaml``: far hosts, by kind of probe."""

import re
from ipaddress import ip_address
from typing import Annotated, Literal
from urllib.parse import SplitResult, urlsplit

import dns.exception
import dns.name
import dns.rdatatype
from pydantic import BeforeValidator, Field

from controller.config.addresses import AnyAddress, checked_address
from controller.config.problems import quoted
from controller.config.scalars import Duration, as_text, described, refusal
from controller.config.spec import Spec
from controller.core.model import Address

DNS_PORT, TWAMP_PORT = 53, 862  # RFC 1035; RFC 8762
NO_NAMES = "names are not looked up while probing"

_WITH_PORT = re.compile(r"(?:\[([^\[\]]+)\]|([^\[\]:]+)):(\d{1,6})", re.ASCII)
Place = tuple[Address, int | None]


def _place(value: object, *, port: bool) -> Place:
    example = '192.0.2.1:443 or "[2001:db8::1]:443"' if port else '192.0.2.1, or "[2001:db8::1]:862"'
    wanted = "an address and port" if port else "an address"
    hint = f"Write it like {example}: {NO_NAMES}."
    words = as_text(value, wanted, example)
    found = _WITH_PORT.fullmatch(words)
    host = (found[1] or found[2]) if found else words
    try:
        ip_address(host)
    except ValueError:
        raise refusal(f"{quoted(words)} is not {wanted}", hint) from None
    if found is None:
        if port:
            raise refusal(f"{quoted(words)} has no port", hint)
        return checked_address(host), None
    number = int(found[3])
    if not 0 < number <= 0xFFFF:
        raise refusal(f"{number} is not a port", "Write 1 to 65535.")
    return checked_address(host), number


def _fixed_address(value: object) -> Address:
    if isinstance(value, str) and not re.fullmatch(r"[0-9.]+|[0-9a-fA-F.:]*:[0-9a-fA-F.:]*", value.strip()):
        hint = f"Write the address that it has, like 192.0.2.80 or 2001:db8::80: {NO_NAMES}."
        raise refusal(f"{quoted(value)} is not an IP address", hint)
    return checked_address(value)


def _page(value: object) -> SplitResult:
    example = "https://www.example.net/health"
    url = as_text(value, "a URL", example)
    try:
        parts = urlsplit(url)
        sound = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        sound = False
    if not sound or not url.isascii() or not url.isprintable() or " " in url or "\\" in url:
        raise refusal(f"{quoted(url)} is not an http:// or https:// URL", f"Write it like {example}.")
    if "@" in parts.netloc:
        raise refusal("a login stands in the URL", "Remove it: probes ask for pages that are public.")
    if parts.fragment:
        hint = f"Remove #{parts.fragment}."
        raise refusal("this URL names a part of a page, and servers are asked for whole pages", hint)
    return parts


def _dns_name(value: object) -> str:
    name = as_text(value, "a domain name", "www.example.net")
    try:
        dns.name.from_text(name)
    except (dns.exception.DNSException, UnicodeError):
        raise refusal(f"{quoted(name)} is not a domain name", "Write it like www.example.net.") from None
    return name


def _record_type(value: object) -> str:
    word = as_text(value, "a record type", "A").upper()
    hint = "Write A, AAAA, SOA or the like."
    try:
        number = dns.rdatatype.from_text(word)
    except (dns.exception.DNSException, ValueError):
        raise refusal(f"{quoted(value)} is not a record type", hint) from None
    if dns.rdatatype.is_metatype(number):
        raise refusal(f"{word} is not the type of a record", hint)
    return word


Server = Annotated[
    Place, BeforeValidator(lambda v: _place(v, port=True)), described("address:port", "192.0.2.1:443")
]
ServerOrAddress = Annotated[
    Place,
    BeforeValidator(lambda v: _place(v, port=False)),
    described("address, or address:port", "192.0.2.53"),
]
FixedAddress = Annotated[Address, BeforeValidator(_fixed_address), described("address", "192.0.2.80")]
Page = Annotated[SplitResult, BeforeValidator(_page), described("URL", "https://www.example.net/health")]
DnsName = Annotated[str, BeforeValidator(_dns_name), described("domain name", "www.example.net")]
RecordType = Annotated[str, BeforeValidator(_record_type), described("record type", "A")]
Rcode = Literal["NOERROR", "NXDOMAIN", "SERVFAIL", "REFUSED", "FORMERR", "NOTIMP"]


class HttpTargetSpec(Spec):
    """A page that is asked for."""

    url: Page = Field(
        description="the page. Best one that needs no database: the path is tested, not the page",
        examples=["https://www.example.net/health"],
    )
    address: FixedAddress = Field(
        description=(
            f"the address to connect to; {NO_NAMES}. A name server that cannot be reached is another fault"
        ),
        examples=["192.0.2.80"],
    )
    status: Annotated[int, Field(ge=200, le=599, json_schema_extra={"unit": "HTTP status"})] = Field(
        default=200,
        description=(
            "the status that counts as an answer. Another one comes from something that is not the page"
        ),
    )
    verify: bool = Field(
        default=True,
        description=(
            "whether the certificate must be valid for the URL's host. An answer with a wrong one may "
            "come from anybody"
        ),
    )
    ca_file: str | None = Field(
        default=None,
        min_length=1,
        description=(
            "a file of certificates to trust instead of the system's authorities. For pages with a "
            "certificate of your own. Default: the system's"
        ),
    )
    interval: Duration = Field(
        default=1.0,
        description=(
            "between two probes. A page costs its owner more than a ping; never more often than the "
            "common interval"
        ),
    )
    timeout: Duration = Field(
        default=1.0,
        description=(
            "a probe unanswered for this long is lost. It takes several round trips until the first byte "
            "comes"
        ),
    )


class DnsTargetSpec(Spec):
    """A question to a name server."""

    server: ServerOrAddress = Field(
        description=(
            f"whom to ask, with a port if it is not {DNS_PORT}; {NO_NAMES}. Its own address is what is probed"
        ),
        examples=["192.0.2.53"],
    )
    name: DnsName = Field(
        description=(
            "what to ask for: best a name that the server itself is in charge of. Else its answer depends "
            "on other servers too"
        ),
        examples=["example.net"],
    )
    type: RecordType = Field(
        default="A", description="which records to ask for. Any will do that the name has"
    )
    accept: list[Rcode] = Field(
        default=["NOERROR", "NXDOMAIN"],
        min_length=1,
        description=("response codes that count as an answer. That a name does not exist is an answer too"),
    )
    interval: Duration | None = Field(
        default=None,
        description=(
            "between two probes, if longer than the common one. For servers whose owners want to be asked "
            "less. Default: the common interval"
        ),
    )
    timeout: Duration | None = Field(
        default=None,
        description=(
            "a probe unanswered for this long is lost. Servers that look things up elsewhere take longer. "
            "Default: the common timeout"
        ),
    )


class TargetsSpec(Spec):
    """Far hosts probed through every link, by kind of probe. All kinds count together."""

    icmp: list[AnyAddress] = Field(
        default_factory=list,
        description=(
            "hosts that answer pings. The cheapest probe for both ends, and the most precise. Default: none"
        ),
        examples=[["198.51.100.1", "198.51.100.53", "192.0.2.1"]],
    )
    tcp: list[Server] = Field(
        default_factory=list,
        description=(
            "servers that accept connections. For places where pings are dropped or limited; the "
            "connection is reset at once. Default: none"
        ),
        examples=[["192.0.2.1:443", "[2001:db8::1]:443"]],
    )
    http: list[HttpTargetSpec] = Field(
        default_factory=list,
        description=(
            "pages that are asked for. They fail where users' pages would, when pings still pass. "
            "Default: none"
        ),
    )
    dns: list[DnsTargetSpec] = Field(
        default_factory=list,
        description=(
            "name servers that are asked. They are there to be asked, in nearly every network. Default: none"
        ),
    )
    twamp: list[ServerOrAddress] = Field(
        default_factory=list,
        description=(
            f"TWAMP Light or STAMP reflectors, with a port if it is not {TWAMP_PORT}. Many routers answer "
            "these in hardware, where pings are nobody's duty. Default: none"
        ),
        examples=[["192.0.2.9"]],
    )
