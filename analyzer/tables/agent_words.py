"""Words that User-Agents and device types are made of when they name a product and nobody: no names of people.

A device may call itself anything, after its owner too. Under --pseudonymize only these words, versions and model
numbers stay.
"""

import re

_WORDS = (
    # devices and systems
    "apple iphone ipad ipod ios mac macos osx os x darwin cfnetwork android dalvik linux windows nt win wow"
    " windowsphone windowsmail pocketpc smartphone msft ppc sp sphone wp phone phones tablet mobile desktop"
    " blackberry playbook nokia symbian palm webos chromeos samsung sm sgh sch gt shv galaxy note htc lg lge moto"
    " motorola droid sony sonyericsson xperia huawei honor xiaomi redmi mi oppo vivo oneplus google pixel nexus asus"
    " lenovo zte acer fairphone"
    # programs
    " outlook outlookservice outlookmobile owa exchange exchangeservices activesync eas easclient autodiscover"
    " microsoft office msoffice ms server maild accountsd dataaccessd remindd mail email gmail touchdown nitrodesk nine"
    " aqua aquamail bluemail k9 thunderbird tbsync evolution ews davx5 sogo zpush z push tine good gfe boxer airwatch"
    " workspace one intune maas360 mobileiron sentry test client agent service sync calendar contacts tasks"
    # libraries and browsers
    " mozilla applewebkit khtml webkit safari chrome gecko firefox edge trident msie curl wget python requests httpx"
    " aiohttp urllib urllib3 java okhttp go http perl libwww ruby node axios"
    # between them
    " version build cpu rv v like of for and the a u en us de fr gb compatible arm arm64 aarch64 x64 x86 x86_64 amd64"
    " intel unknown other none"
)
_KNOWN = frozenset(_WORDS.split())
# 10_15_7, 190711, 14C5, 20H115; no telephone number, no IMEI
_VERSION = re.compile(r"\d{1,4}(?:_\d{1,4}){1,3}|\d{1,6}|\d{1,3}[a-z]{1,2}\d{0,5}[a-z]?")
_MODEL = re.compile(r"(?:[a-z]|r\d*v|ios|sm|sgh|gt|wp|cpu|build)\d{1,4}[a-z]{0,2}")  # G900V, SM900, WP8
_OF_MAKER = re.compile(r"(?:iphone|ipad|ipod|samsung(?:sm|sgh|gt|sch)?[a-z]?)\d{1,6}[a-z]?\d{0,2}[a-z]?")  # iPhone14C5


def names_a_product(word: str) -> bool:
    """Whether a word (letters, digits, underscores) tells of a product, its version or its model only."""
    small = word.lower()
    return small in _KNOWN or any(kind.fullmatch(small) for kind in (_VERSION, _MODEL, _OF_MAKER))
