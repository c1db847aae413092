"""Check a recordkit ledger without recordkit: chain, checkpoints, people, roles, signatures, orders.

    python verify_ledger.py STORE-OR-LEDGER-FOLDER [--against CHECKPOINT ...] [--lang zh|en] [--json]

CHECKPOINT is its file, or a text file with what a telephone reads of the printed code, or with the printed lines.
Needs Python 3.9 or later and the package "cryptography"; nothing of recordkit, and nothing is written. The rules are
those of docs/store-format.md, written a second time, so that a fault of the program is not repeated here. Exit code 0:
everything holds; 1: something does not, each thing named by its entry; 2: it could not be checked.

What it cannot prove without a checkpoint that was kept elsewhere: that the whole ledger was not written anew, or that
nothing is missing at its end. Signed acts cannot be made anew without the signers' private keys.
"""

import argparse
import datetime
import hashlib
import json
import re
import sys
import unicodedata
from pathlib import Path

PRIME = 2**255 - 19
ROLES = {  # acts of orders, handovers and losses that are signed, and who may
    "order.proposed": {"archivist", "administrator"},
    "order.appraised": {"appraiser"},
    "order.approved": {"approver"},
    "order.signed": {"supervisor"},
    "order.completed": {"supervisor"},
    "handover.proposed": {"archivist", "administrator"},
    "handover.accepted": {"archivist", "administrator"},
    "handover.withdrawn": {"archivist", "administrator"},
    "loss.registered": {"administrator"},
    "loss.confirmed": {"administrator", "archivist", "approver", "supervisor"},
    "loss.withdrawn": {"administrator", "archivist", "approver", "supervisor"},
}
SUBJECTS = {"order": "批次", "handover": "交接", "loss": "登记"}  # what a statement is about
PAPER_ACTS = {"order.approved": 1, "order.signed": 2, "order.completed": 4}  # and their bits in the printed code
ENTERING = {"archivist", "administrator"}  # who may enter that somebody signed by hand
REGISTERS = "destruction-register"
LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
# Separation of duty as it is before the ledger first says something about it.
DUTIES = {
    "supervisors": 2, "supervisor_excludes": ["approver", "proposer"], "total_share_millionths": 500000,
    "separate_roles": [["appraiser", "auditor"], ["approver", "auditor"], ["archivist", "auditor"],
                       ["auditor", "supervisor"]],
    "paper": True,
    "old_terms": {"永久": "permanent", "长期": "50y", "短期": "15y"},
}
SUPERVISORS = 2  # below this no destruction is lawful, whatever the settings of the time said


def canonical(value):
    """The one byte form that is hashed and signed."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def digest(value):
    """SHA-256 of the canonical JSON."""
    return hashlib.sha256(canonical(value)).hexdigest()


def some(records):
    """The first twenty of the records, in their order."""
    return ", ".join(sorted(records)[:20]) + (" …" if len(records) > 20 else "")


def mapping(value):
    """An object of JSON; an empty one in the place of anything else."""
    return value if isinstance(value, dict) else {}


def vanishes(point):
    """Whether a point of Ed25519, as 32 bytes, is of small order or not written in the one canonical way.

    Multiplied by eight, such a point gives the neutral one; three doublings, in plain fractions modulo the prime.
    """
    y = int.from_bytes(point, "little") & ((1 << 255) - 1)
    if len(point) != 32 or y >= PRIME:
        return True
    d = -121665 * pow(121666, -1, PRIME) % PRIME
    square = (y * y - 1) * pow(d * y * y + 1, -1, PRIME) % PRIME
    x = pow(square, (PRIME + 3) // 8, PRIME)
    if x * x % PRIME != square:
        x = x * pow(2, (PRIME - 1) // 4, PRIME) % PRIME
    if x * x % PRIME != square:
        return True  # on no point of the curve
    for _ in range(3):
        cross = d * x * x * y * y % PRIME
        x, y = 2 * x * y * pow(1 + cross, -1, PRIME) % PRIME, (y * y + x * x) * pow(1 - cross, -1, PRIME) % PRIME
    return (x, y) == (0, 1)


def signature_holds(key, statement, signature):
    """Whether it is the Ed25519 signature of the key over the statement (RFC 8032); unsound points never hold."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        if not (re.fullmatch("[0-9a-f]{64}", key) and re.fullmatch("[0-9a-f]{128}", signature)):
            return False  # the same key written in another way would pass for another person's
        raw, signed = bytes.fromhex(key), bytes.fromhex(signature)
        if vanishes(raw) or len(signed) != 64 or vanishes(signed[:32]):
            return False
        Ed25519PublicKey.from_public_bytes(raw).verify(signed, canonical(statement))
    except (InvalidSignature, ValueError, TypeError):
        return False
    return True


def base32(number, width):
    """A number in Crockford's base 32."""
    return "".join(LETTERS[number >> 5 * place & 31] for place in range(width - 1, -1, -1))


def register_code(store, order, acts, signed):
    """The code printed on a register for signing; ``acts`` are the bits of the signatures it has room for."""
    year, serial = order[1:].split("-")
    tag = int.from_bytes(hashlib.sha256(store.encode()).digest()[-4:], "big") % (1 << 20)
    body = base32(tag, 4) + base32(int(year), 3) + base32(int(serial), 3) + base32(acts, 1)
    body += base32(int(signed[:15], 16), 12)
    return "RKD" + body + check_of(body)


def check_of(body):
    """The two check characters over up to 40 characters."""
    total = sum(LETTERS.index(letter) * pow(10, place, 1021) for place, letter in enumerate(body, 1))
    return base32((total + len(body)) % 1021, 2)


def typed_checkpoint(data):
    """A checkpoint from the text of its QR code, or from the lines printed below it; ValueError names a wrong line."""
    if b"\0" in data or data[:4] == b"%PDF":
        raise ValueError("line by line or as the text of its code only: pictures and PDFs are not read here")
    text = data.decode("utf-8", "replace")
    whole = re.search("RKC1([" + LETTERS + "]{100,})", text)
    body = whole.group(1) if whole else ""
    if not whole:
        parts = {}
        for number, line in re.findall(r"^\s*(\d{2})[\s.:：]+([0-9A-Za-z][0-9A-Za-z \t-]{3,})\s*$", text, re.MULTILINE):
            letters = re.sub(r"[\s-]", "", line).upper().translate(str.maketrans("OIL", "011"))
            if set(letters) - set(LETTERS) or len(letters) > 34:
                raise ValueError(f"line {number}")
            if letters[-2:] != check_of(base32(int(number), 2) + letters[:-2]):
                raise ValueError(f"line {number}")
            parts[int(number)] = letters[:-2]
        if sorted(parts) != list(range(1, len(parts) + 1)) or not parts:
            raise ValueError("a line is missing")
        body = "".join(parts[number] for number in sorted(parts))
    value = 0
    for letter in body[:2000]:
        value = value << 5 | LETTERS.index(letter)
    raw = value.to_bytes((value.bit_length() + 7) // 8, "big")
    if raw[:1] != b"\1":
        raise ValueError("no checkpoint")
    names, rest = [], raw[1:]
    for _ in range(2):
        names.append(rest[1 : 1 + rest[0]].decode())
        rest = rest[1 + rest[0] :]
    if len(rest) != 144:
        raise ValueError("lines are missing")
    seq, instant = int.from_bytes(rest[:8], "big"), int.from_bytes(rest[8:16], "big")
    moment = datetime.datetime(1970, 1, 1) + datetime.timedelta(seconds=instant)
    statement = {"act": "ledger.checkpoint", "store": names[0], "seq": seq, "entries": seq, "by": names[1],
                 "head": rest[16:48].hex(), "time": moment.isoformat() + "Z"}
    return {"statement": statement, "key": rest[48:80].hex(), "signature": rest[80:].hex()}


def plain_staff_no(text):
    """The form in which staff numbers are compared: however it is written, one number is one person's."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", str(text)).casefold())
    return "".join(filter(str.isalnum, folded)) or folded.strip()


def day_number(text):
    """A date, ISO, as a number that can be compared; None for what is none."""
    try:
        return datetime.date.fromisoformat(text).toordinal()
    except (TypeError, ValueError):
        return None


def plain_term(text):
    """The form in which the old terms of retention are compared."""
    return "".join(unicodedata.normalize("NFKC", str(text)).split()).upper()


def term_months(term, terms):
    """How long an old term keeps its records, in months: no end where permanent or explained by nobody."""
    if term in ("永久", "Y"):
        return float("inf")
    period = next((str(said) for name, said in terms.items() if plain_term(name) == term), None)
    if period is None:
        years = re.fullmatch("(?:定期)?\\(?0{0,3}([1-9][0-9]{0,2})年\\)?|D0{0,3}([1-9][0-9]{0,2})", term)
        return int(years[1] or years[2]) * 12 if years else float("inf")
    if period == "permanent":
        return float("inf")
    if not re.fullmatch("[1-9][0-9]{0,2}y|[1-9][0-9]{0,3}m", period):
        return 0
    return int(period[:-1]) * (12 if period.endswith("y") else 1)


def looser(before, after):
    """Names of the settings that ask for less than they did."""
    def members(settings, name):
        return {canonical(one) for one in settings.get(name) or ()}

    def number(settings, name):
        value = settings.get(name)
        return value if type(value) is int else 0

    found = ["supervisors"] if number(after, "supervisors") < number(before, "supervisors") else []
    for name in ("supervisor_excludes", "separate_roles"):
        if members(before, name) - members(after, name):
            found.append(name)
    share = "total_share_millionths"
    if share not in after or number(after, share) > number(before, share):
        found.append("total_share")
    if after.get("paper") is not False and before.get("paper") is False:
        found.append("paper")
    # Settings of early versions name no terms: then those count that the program knew by itself.
    old, new = (one.get("old_terms", DUTIES["old_terms"]) for one in (before, after))
    old, new = (one if isinstance(one, dict) else dict.fromkeys(DUTIES["old_terms"], "") for one in (old, new))
    for term in sorted({plain_term(one) for one in (*old, *new)}):
        if term_months(term, new) < term_months(term, old):
            found.append(f"old_terms.{term}")
    return found


class Verifier:
    """Reads entry after entry; ``findings`` are (entry number, code, English, Chinese)."""

    def __init__(self):
        self.findings = []
        self.store = None
        self.people = {}
        self.terms = []  # administrators: person, key, from entry, to entry
        self.orders = {}
        self.destroyed = {}
        self.held = {}  # holds in force that name records; those on accounts stand in notes
        self.remarks = []  # like findings: what to look at though everything holds
        self.duties = None  # settings of separation of duty in force
        self.registers = {}  # filed registers: record to commitments and the day of filing
        self.handovers = {}
        self.losses = {}  # records written off as lost, by the id of the loss
        self.commitments = {}  # records in force, in the order of filing: what a handover counts
        self.acts = []  # signed acts of orders: entry, order, act, person, who entered it
        self.torn = None  # bytes and entries of a batch at the end that was never confirmed
        self.last_time = ""
        self.entries, self.head = 0, "0" * 64
        self.hashes = {}

    def found(self, seq, code, english, chinese, *values, remark=False):
        """Note what does not hold at an entry, or what somebody should look at though it does."""
        told = (one.format(*values) if values else one for one in (english, chinese))
        # What the ledger says must not steer the auditor's screen.
        shown = ("".join(char if char.isprintable() else "?" for char in one) for one in told)
        (self.remarks if remark else self.findings).append((seq, code, *shown))

    # --- the chain

    def read(self, folder):
        """Read all files of a ledger, as far as the chain holds."""
        names = sorted(path.name for path in folder.glob("ledger-*.jsonl"))
        wanted = [f"ledger-{number:06}.jsonl" for number in range(1, len(names) + 1)]
        if names != wanted:
            missing = sorted(set(wanted) - set(names))
            self.found(1, "files", "ledger files are missing or foreign: {}".format(", ".join(missing or names)),
                       "台账文件缺失或混入：{}".format("、".join(missing or names)))
        batch, left, size = [], 0, 0
        rest = b""
        for name in names:
            if rest:
                self.found(self.entries + 1, "unended", "a file ends in the middle of an entry",
                           "文件在一条记录中间结束")
                return
            *lines, rest = (folder / name).read_bytes().split(b"\n")
            for line in lines:
                entry = self._entry(line)
                if entry is None:
                    return
                if batch and entry["left"] != left - 1:
                    self.found(entry["seq"], "batch", "its batch is not whole", "所属批次不完整")
                    return
                batch.append(entry)
                size += len(line) + 1
                left = entry["left"]
                if left == 0:
                    for one in batch:
                        try:
                            self._take(one)
                        except (AttributeError, KeyError, TypeError, ValueError, RecursionError) as error:
                            self.found(one["seq"], "form", "the entry has not the form of its act: {!r}",
                                       "该条不具备该行为应有的形式：{!r}", error)
                    batch, size = [], 0
        if rest or batch:
            # A power cut leaves this; nobody was told that anything of it was done, and the next act cuts it off.
            self.torn = (size + len(rest), len(batch))

    def _entry(self, line):
        expected = self.entries + 1
        try:
            entry = json.loads(line)
            claimed = entry.pop("hash")
            if canonical({**entry, "hash": claimed}) != line:
                raise ValueError("not canonical")
            good = digest(entry) == claimed and type(entry["left"]) is int and entry["left"] >= 0
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            good = False
        if not good:
            self.found(expected, "changed", "the entry is not what was written", "该条不是当初写下的内容")
            return None
        if entry.get("seq") != expected or entry.get("prev") != self.head:
            self.found(expected, "chain", "the chain breaks: an entry was removed, added or moved",
                       "链条断开：有记录被删除、插入或移动")
            return None
        self.entries, self.head = expected, claimed
        self.hashes[expected] = claimed
        return entry

    # --- what the entries say

    def _take(self, entry):
        seq, act, body = entry["seq"], entry["act"], entry["body"]
        self._time(seq, entry["time"])
        if seq == 1:
            self.store = body.get("store_id")
            if act != "store.created" or not self.store:
                self.found(seq, "store", "the ledger does not begin with the making of a store", "台账不是从建库开始")
        elif act == "store.created":
            self.found(seq, "store", "a store is made a second time", "第二次建库")
        self._filed(act, body, entry["time"][:10])
        if act in ("person.added", "person.revoked"):
            self._person(seq, act, body)
        elif act in ROLES:
            take = {"order": self._order, "handover": self._handover, "loss": self._loss}[act.partition(".")[0]]
            take(seq, act, body, entry["time"])
        elif act == "loss.ended":
            self._loss_ended(seq, body)
        elif act in ("settings.recorded", "settings.accepted"):
            self._settings(seq, act, body)
        elif act in ("order.executed", "order.withdrawn"):
            self._ended(seq, act, body.get("order"), entry["time"][:10])
        elif act == "hold.placed" and isinstance(body.get("records"), dict):
            self.held[body.get("hold")] = set(body["records"])
        elif act == "hold.released":
            self._freed(seq, entry["actor"], body, self.held.pop(body.get("hold"), set()))
        elif act == "order.intended":
            self._intended(seq, body)
        elif act == "record.destroyed":
            self._destroyed(seq, body)

    def _freed(self, seq, actor, body, records):
        """Releasing a hold needs no key: what it opens to an order that is on its way is named.

        A record under a hold cannot be proposed, so the hold came after the proposal.
        """
        for name, order in self.orders.items():
            if order["withdrawn"] or order["intended"] or "order.executed" in order["days"]:
                continue
            if "account_note" in body:
                order["freed_accounts"].append(seq)
            concerned = sorted(order["records"] & records)
            if concerned:
                self.found(seq, "hold-released",
                           "{} released the hold {} on {} record(s) of order {} after its proposal: {}",
                           "{0} 解除了冻结 {1}，涉及批次 {3} 提出之后的 {2} 件档案：{4}", actor, body.get("hold"),
                           len(concerned), name, ", ".join(concerned[:20]), remark=True)

    def end(self):
        """What is to be said of whole orders, when everything was read."""
        for name, order in self.orders.items():
            freed = order["freed_accounts"]
            if freed and not order["withdrawn"]:
                self.found(freed[0], "hold-released",
                           "while order {} was on its way, {} hold(s) on accounts were released, the last one by entry "
                           "{}; the notes of the store alone tell which records they covered",
                           "批次 {} 办理期间解除了 {} 个户号冻结，最后一个在第 {} 条；"
                           "涉及哪些档案只有库内备注知道",
                           name, len(freed), freed[-1], remark=True)

    def _time(self, seq, time):
        if not re.fullmatch("[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z", time or ""):
            self.found(seq, "time", f"the time {time!r} is none", f"时间 {time!r} 无效")
            return
        if time < self.last_time:
            self.found(seq, "back-dated", "its time {} lies before that of the entry before ({})",
                       "时间 {} 早于上一条（{}）", time, self.last_time)
        else:
            self.last_time = time

    def _person(self, seq, act, body):
        statement = mapping(body.get("statement"))
        who = statement.get("id")
        if (statement.get("act"), statement.get("store"), statement.get("seq")) != (act, self.store, seq):
            self.found(seq, "statement", "the statement was made for another place or act",
                       "声明是为别处或别的行为作的")
        if not signature_holds(body.get("key"), statement, body.get("signature")):
            self.found(seq, "signature", "the signature does not belong to the statement", "签名与声明不符")
        if act == "person.added" and not self.people:
            if body.get("key") != statement.get("public_key"):
                self.found(seq, "signature", "the first person did not sign for itself", "首位人员没有自签")
        else:
            self._administrator(seq, body.get("by"), body.get("key"))
        if act == "person.added":
            if who in self.people:
                self.found(seq, "person", f"{who} is registered a second time", f"{who} 重复登记")
            self.people[who] = {"key": statement.get("public_key"), "staff": plain_staff_no(statement.get("staff_no")),
                                "roles": set(statement.get("roles") or ()), "revoked": False}
            if "administrator" in self.people[who]["roles"]:
                self.terms.append([who, statement.get("public_key"), seq, None])
        elif who in self.people:
            self.people[who]["revoked"] = True
            for term in self.terms:
                if term[0] == who and term[3] is None:
                    term[3] = seq
        else:
            self.found(seq, "person", f"{who} was never registered", f"{who} 从未登记")

    def _administrator(self, seq, who, key):
        person = self.people.get(who)
        if person is None or person["revoked"] or "administrator" not in person["roles"]:
            self.found(seq, "role", "{} was no administrator in office", "{} 当时不是在任管理员", who)
        elif person["key"] != key:
            self.found(seq, "key", "the key is not the registered key of {}", "不是 {} 登记的密钥", who)

    def _filed(self, act, body, day):
        """Remember the versions of destruction registers, with the day on which they came in."""
        record = body.get("record")
        if act == "record.filed" and body.get("class") == REGISTERS:
            self.registers[record] = {"day": day, "commitments": set()}
        if act.startswith("record.") and "commitment" in body:
            self.commitments[record] = body["commitment"]
        elif act == "record.destroyed":
            self.commitments.pop(record, None)
        if record in self.registers and "commitment" in body:
            self.registers[record]["commitments"].add(body["commitment"])

    def _settings(self, seq, act, body):
        statement = mapping(body.get("statement"))
        settings = (statement if act == "settings.accepted" else body).get("settings")
        if not isinstance(settings, dict):
            self.found(seq, "settings", "the entry names no settings", "该条没有写明设置")
            return
        if act == "settings.accepted":
            said = (statement.get("act"), statement.get("store"), statement.get("seq"), statement.get("by"))
            if said != (act, self.store, seq, body.get("by")):
                self.found(seq, "statement", "the statement was made for another place or act",
                           "声明是为别处或别的行为作的")
            if not signature_holds(body.get("key"), statement, body.get("signature")):
                self.found(seq, "signature", "the signature does not belong to the statement", "签名与声明不符")
            self._administrator(seq, body.get("by"), body.get("key"))
        else:
            for name in looser(DUTIES if self.duties is None else self.duties, settings):
                self.found(seq, "loosened", f"the setting {name} was loosened without an administrator's signature",
                           f"设置 {name} 未经管理员签名即被放宽")
        self.duties = settings

    def _signed(self, seq, act, body, manifest):
        """What each signed act needs: a statement about this act and manifest, by somebody entitled, with their key."""
        subject, by, statement = act.partition(".")[0], body.get("by"), mapping(body.get("statement"))
        said = (statement.get("act"), statement.get("store"), statement.get(subject), statement.get("by"))
        if said != (act, self.store, body.get(subject), by):
            self.found(seq, "statement", "the statement was made for another act, store, {0} or person",
                       "声明是为别的行为、库、{1}或人员作的", subject, SUBJECTS[subject])
        if statement.get("digest") != manifest:
            self.found(seq, "manifest", "the statement names another manifest", "声明所指的清册不同")
        person = self.people.get(by)
        if person is None or person["revoked"]:
            self.found(seq, "person", f"{by} was not registered, or revoked", f"{by} 未登记或已注销")
        else:
            if person["key"] != body.get("key") and statement.get("route") != "paper":
                self.found(seq, "key", f"the key is not the registered key of {by}", f"不是 {by} 登记的密钥")
            if not person["roles"] & ROLES[act]:
                self.found(seq, "role", f"{by} did not have the role for it", f"{by} 没有相应职责")
        if not signature_holds(body.get("key"), statement, body.get("signature")):
            self.found(seq, "signature", "the signature does not belong to the statement", "签名与声明不符")

    def _order(self, seq, act, body, time):
        name, by, statement = body.get("order"), body.get("by"), mapping(body.get("statement"))
        if act == "order.proposed":
            manifest = mapping(body.get("manifest"))
            if name in self.orders:
                self.found(seq, "order", f"the order {name} was proposed before", f"批次 {name} 已经提出过")
            self.orders[name] = {
                "digest": digest(manifest), "proposer": by, "opinions": {}, "approver": None, "supervisors": [],
                "completed": [],
                "withdrawn": False, "intended": set(), "appraisers": [], "days": {}, "freed_accounts": [],
                "records": {item.get("record") for item in manifest.get("items") or ()},
            }
        order = self.orders.get(name)
        if order is None:
            self.found(seq, "order", f"there is no order {name}", f"没有批次 {name}")
            return
        self._signed(seq, act, body, order["digest"])
        by_hand = statement.get("route") == "paper"
        if statement.get("route") not in (None, "paper") or body.get("entered_by") != statement.get("entered_by"):
            self.found(seq, "statement", "the statement was made for another act, store, order or person",
                       "声明是为别的行为、库、批次或人员作的")
        if by_hand:
            self._on_paper(seq, act, body, order, name, time[:10])
        self.acts.append((seq, name, act, by, statement.get("entered_by") if by_hand else None))
        order["days"][act] = (statement.get("signed_on") if by_hand else None) or time[:10]
        self._rules(seq, act, by, order, statement)

    def _on_paper(self, seq, act, body, order, name, today):
        """A signature by hand: who entered it, the scan, the code printed on it, the day."""
        statement = body["statement"]
        entering = statement.get("entered_by")
        person = self.people.get(entering)
        if person is None or person["revoked"]:
            self.found(seq, "person", f"{entering} was not registered, or revoked", f"{entering} 未登记或已注销")
        else:
            if person["key"] != body.get("key"):
                self.found(seq, "key", f"the key is not the registered key of {entering}",
                           f"不是 {entering} 登记的密钥")
            if not person["roles"] & ENTERING:
                self.found(seq, "role", f"{entering} did not have the role for it", f"{entering} 没有相应职责")
        if self._one_human(entering, body.get("by")):
            self.found(seq, "same-person", f"{entering} entered the own signature", f"{entering} 录入了本人的签字")
        if all(self._one_human(entering, one) for one in (order["proposer"], *order["appraisers"])):
            self.found(seq, "same-person", f"{entering} alone had proposed, appraised and entered",
                       f"提出、鉴定和录入都是 {entering} 一人")
        if act not in PAPER_ACTS or (self.duties or {}).get("paper") is False:
            self.found(seq, "paper", "this act is not signed on paper", "该行为不得以纸质签字")
        paper = mapping(statement.get("paper"))
        register = self.registers.get(paper.get("record"))
        if register is None or paper.get("commitment") not in register["commitments"]:
            self.found(seq, "paper", "the scan {} was not filed as a destruction register",
                       "扫描件 {} 未作为销毁清册归档", paper.get("record"))
        else:
            before = {"order.approved": "order.appraised", "order.signed": "order.approved"}.get(act, "order.executed")
            day, first = day_number(statement.get("signed_on")), day_number(order["days"].get(before, today))
            last = day_number(min(register["day"], today))
            if day is None or first is None or last is None or not first - 1 <= day <= last + 1:
                self.found(seq, "paper-day", "the day {} of the signature does not fit", "签字日期 {} 不合次序",
                           statement.get("signed_on"))
        signed = digest({key: statement[key] for key in ("digest", "opinions", "outcomes") if key in statement})
        wanted = {register_code(self.store, name, acts, signed) for acts in range(1, 8)
                  if acts & PAPER_ACTS.get(act, 0)}
        if statement.get("code") not in wanted:
            self.found(seq, "paper-code", "the printed code is not that of this order as it stood",
                       "印制的编码与该批次当时的内容不符")

    def _holdings(self):
        """Digest over a line of record and commitment for each record in force, in the order of filing."""
        whole = hashlib.sha256()
        for record, commitment in self.commitments.items():
            whole.update(f"{record} {commitment}\n".encode())
        return {"count": len(self.commitments), "digest": whole.hexdigest()}

    def _handover(self, seq, act, body, _time):
        """A handover from one person in office to another: each signs the same manifest over the same holdings."""
        name, by = body.get("handover"), body.get("by")
        if act == "handover.proposed":
            manifest = mapping(body.get("manifest"))
            if name in self.handovers:
                self.found(seq, "handover", "the handover {} was proposed before", "交接 {} 已经提出过", name)
            self.handovers[name] = {"digest": digest(manifest), "from": by, "open": True,
                                    "to": mapping(body.get("statement")).get("to"),
                                    "holdings": mapping(manifest.get("holdings"))}
            ledger = mapping(manifest.get("ledger"))
            if (manifest.get("handover"), manifest.get("store")) != (name, self.store):
                self.found(seq, "manifest", "the statement names another manifest", "声明所指的清册不同")
            if (ledger.get("seq"), ledger.get("head")) != (seq - 1, self.hashes.get(seq - 1)):
                self.found(seq, "handover", "it names another end of the ledger", "所列台账末条不符")
        handover = self.handovers.get(name)
        if handover is None:
            self.found(seq, "handover", "there is no handover {}", "没有交接 {}", name)
            return
        self._signed(seq, act, body, handover["digest"])
        if act != "handover.withdrawn":
            then = {key: handover["holdings"].get(key) for key in ("count", "digest")}
            if then != self._holdings():
                self.found(seq, "holdings", "the holdings were not those that the handover counts",
                           "当时的馆藏与交接所列不符")
        if act == "handover.proposed":
            return
        if not handover["open"]:
            self.found(seq, "handover", "the handover {} was not open", "交接 {} 已了结", name)
        handover["open"] = False
        if act == "handover.accepted":
            if by != handover["to"]:
                self.found(seq, "handover", "the handover was made to {}", "交接的接收人是 {}", handover["to"])
            if self._one_human(by, handover["from"]):
                self.found(seq, "same-person", f"{by} had proposed the handover", f"{by} 是移交人")
        elif (by not in (handover["from"], handover["to"])
              and "administrator" not in self.people.get(by, {"roles": ()})["roles"]):
            self.found(seq, "role", f"{by} did not have the role for it", f"{by} 没有相应职责")

    def _loss(self, seq, act, body, _time):
        """Records written off as lost: registered by an administrator, confirmed by another human being."""
        name, by, notes = body.get("loss"), body.get("by"), body.get("records")
        if act == "loss.registered":
            self._registered(seq, name, by, mapping(body.get("manifest")), notes)
        loss = self.losses.get(name)
        if loss is None:
            self.found(seq, "loss", "there is no loss {}", "没有遗失登记 {}", name)
            return
        self._signed(seq, act, body, loss["digest"])
        if act != "loss.confirmed" and mapping(body.get("statement")).get("notes") != digest(notes):
            self.found(seq, "loss", "its notes are not those that were signed", "附注与签署时不符")
        if act == "loss.registered":
            return
        if loss["status"] != "registered":
            self.found(seq, "loss", "the loss {} was not waiting", "遗失登记 {} 已了结", name)
        loss["status"] = act.partition(".")[2]
        if act == "loss.confirmed":
            if not isinstance(notes, list) or sorted(notes) != sorted(loss["records"]):
                self.found(seq, "loss", "it names other records than were registered", "所列档案与登记不符")
            if self._one_human(by, loss["by"]):
                self.found(seq, "same-person", f"{by} had registered the loss", f"{by} 是登记人")
            self._written_off(seq, name, by, loss)

    def _registered(self, seq, name, by, manifest, notes):
        items = manifest["items"]
        loss = {"digest": digest(manifest), "by": by, "status": "registered", "back": set(),
                "records": {one["record"] for one in items},
                "held": {one["record"] for one in items if one["holds"]},
                "ordered": {one["record"] for one in items if one["order"]}, "notes": len(manifest["notes"])}
        if name in self.losses:
            self.found(seq, "loss", "the loss {} was registered before", "遗失登记 {} 重复", name)
        if (manifest.get("loss"), manifest.get("store")) != (name, self.store):
            self.found(seq, "manifest", "the statement names another manifest", "声明所指的清册不同")
        if not (items or manifest["notes"]) or not all(one["files"] for one in items):
            self.found(seq, "loss", "it names a record of which nothing is missing or changed",
                       "所列档案并无缺失或改动")
        for one in items:
            if self.commitments.get(one["record"]) != one["commitment"]:
                self.found(seq, "loss", "the record {} was not in force as it is named",
                           "所列档案 {} 当时不是这一版本", one["record"])
        if not isinstance(notes, dict) or set(notes) != loss["records"]:
            self.found(seq, "loss", "its notes are of other records", "附注与所列档案不符")
        self.losses.setdefault(name, loss)

    def _written_off(self, seq, name, by, loss):
        """A loss stays named for ever: somebody may have removed the files on purpose, to have them written off."""
        english = "{} record(s) were written off as lost by {}, registered by {}, confirmed by {}: {}"
        chinese = "{0} 件档案登记为遗失、损毁（{1}），{2} 登记，{3} 确认：{4}"
        values = [len(loss["records"]), name, loss["by"], by, some(loss["records"])]
        for kind, also, zh in (("held", "; under a hold then: {}", "当时冻结"),
                               ("ordered", "; in an open order of destruction then: {}", "当时在销毁批次中")):
            if loss[kind]:
                english, chinese = english + also, chinese + f"；{zh}：{{{len(values)}}}"
                values.append(some(loss[kind]))
        if loss["notes"]:
            english += "; notes and data of documents: {}"
            chinese += f"；附注和文书数据：{{{len(values)}}}"
            values.append(loss["notes"])
        self.found(seq, "loss", english, chinese, *values, remark=True)

    def _loss_ended(self, seq, body):
        loss, record = self.losses.get(body.get("loss")), body.get("record")
        if loss is None:
            self.found(seq, "loss", "there is no loss {}", "没有遗失登记 {}", body.get("loss"))
        elif loss["status"] != "confirmed" or record not in loss["records"] - loss["back"]:
            self.found(seq, "loss", "the record {} was not written off by it", "档案 {} 并未由它登记为遗失", record)
        else:
            loss["back"].add(record)

    def _rules(self, seq, act, by, order, statement):
        if act == "order.appraised":
            opinions = mapping(statement.get("opinions"))
            if set(opinions) - order["records"]:
                self.found(seq, "order", "it names a record that is not in the order", "所列档案不在批次内")
            if order["approver"] is not None:
                self.found(seq, "order", "the order was approved before", "批次已经批准")
            if statement.get("after", len(order["appraisers"])) != len(order["appraisers"]):
                self.found(seq, "order", "it is an earlier appraisal entered once more", "把以前的鉴定又录入了一次")
            order["opinions"].update(opinions)
            order["appraisers"].append(by)
        if act in ("order.approved", "order.signed") and statement.get("opinions") != digest(order["opinions"]):
            self.found(seq, "opinions", "the statement names other opinions than those of the appraisal",
                       "声明所指的鉴定意见不同")
        if act == "order.approved":
            if set(order["opinions"]) != order["records"]:
                self.found(seq, "order", "the appraisal was not complete", "鉴定尚未完成")
            if self._one_human(by, order["proposer"]):
                self.found(seq, "same-person", f"{by} had proposed the order", f"{by} 是提出人")
            order["approver"] = by
        if act == "order.signed":
            if order["approver"] is None:
                self.found(seq, "order", "the order was not approved", "批次未经批准")
            if any(self._one_human(by, other) for other in order["supervisors"]):
                self.found(seq, "same-person", f"{by} had signed before", f"{by} 已经签过")
            did = {"proposer": [order["proposer"]], "appraiser": order["appraisers"], "approver": [order["approver"]]}
            for role in (DUTIES if self.duties is None else self.duties).get("supervisor_excludes") or ():
                if any(self._one_human(by, other) for other in did.get(role, ())):
                    self.found(seq, "same-person", f"{by} was the {role} of the order", f"{by} 曾任该批次的 {role}")
            order["supervisors"].append(by)
        if act == "order.completed":
            if by not in order["supervisors"]:
                self.found(seq, "role", f"{by} was no supervisor of the order", f"{by} 不是该批次监销人")
            if any(self._one_human(by, other) for other in order["completed"]):
                self.found(seq, "same-person", f"{by} had signed before", f"{by} 已经签过")
            order["completed"].append(by)

    def _ended(self, seq, act, name, day):
        order = self.orders.get(name)
        if order is None:
            self.found(seq, "order", "there is no order {}", "没有批次 {}", name)
        elif act == "order.withdrawn":
            order["withdrawn"] = True
        else:
            order["days"][act] = day

    def _intended(self, seq, body):
        order = self.orders.get(body.get("order"))
        if order is None:
            self.found(seq, "order", "there is no order {}", "没有批次 {}", body.get("order"))
            return
        if order["withdrawn"]:
            self.found(seq, "order", "the order was withdrawn", "批次已撤回")
        if order["approver"] is None:
            self.found(seq, "order", "the order was not approved", "批次未经批准")
        humans = []
        for one in order["supervisors"]:
            if one in self.people and not any(self._one_human(one, other) for other in humans):
                humans.append(one)
        wanted = (self.duties or {}).get("supervisors")
        needed = max(SUPERVISORS, wanted) if type(wanted) is int else SUPERVISORS
        if len(humans) < needed:
            self.found(seq, "supervisors", f"fewer than {needed} supervisors had signed",
                       f"签名的监销人不足 {needed} 人")
        order["intended"] |= set(body.get("records") or ())
        if any(order["opinions"].get(one) != "destroy" for one in order["intended"]):
            self.found(seq, "order", "it names a record that the appraisal did not give up", "所列档案未被鉴定为销毁")
        for record in sorted(order["intended"] & set().union(*self.held.values())):
            self.found(seq, "held", "it names the record {}, which was held", "所列档案 {} 当时已冻结", record)

    def _destroyed(self, seq, body):
        record, order = body.get("record"), self.orders.get(body.get("order"))
        if order is None or record not in order["intended"]:
            self.found(seq, "order", f"no signed order covers the record {record}", f"没有已签批次涵盖档案 {record}")
        if record in self.destroyed:
            self.found(seq, "destroyed-twice", "the record {} was destroyed before, under order {}",
                       "档案 {} 此前已在批次 {} 中销毁", record, self.destroyed[record])
        self.destroyed.setdefault(record, body.get("order"))

    def _one_human(self, first, second):
        """One id, staff number or key, also by a chain of other accounts."""
        known, waiting = {first}, [first]
        while waiting:
            current = waiting.pop()
            if current == second:
                return True
            mine = self.people.get(current)
            for other, theirs in self.people.items():
                same = mine and (theirs["staff"] == mine["staff"] or (theirs["key"] == mine["key"] and mine["key"]))
                if other not in known and same:
                    known.add(other)
                    waiting.append(other)
        return False

    # --- checkpoints

    def compare(self, path):
        """Hold a checkpoint against what was read."""
        try:
            data = path.read_bytes()
            checkpoint = json.loads(data) if data.lstrip()[:1] in (b"{", b"[", b"") else typed_checkpoint(data)
            statement = checkpoint["statement"]
            seq, key, who = statement["seq"], checkpoint["key"], statement["by"]
            good = signature_holds(key, statement, checkpoint["signature"])
            if type(seq) is not int or not isinstance(who, str):
                raise ValueError("not the form of a checkpoint")
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError, IndexError,
                OverflowError) as error:
            why = f" ({error})" if str(error).startswith(("line", "a line")) else ""
            self.found(0, "checkpoint", f"{path} is no checkpoint{why}", f"{path} 不是检查点{why}")
            return
        if not good or statement.get("act") != "ledger.checkpoint":
            self.found(seq, "checkpoint", f"{path}: the signature does not hold", f"{path}：签名无效")
        if statement.get("store") != self.store:
            self.found(seq, "checkpoint", f"{path} belongs to another store", f"{path} 属于另一个库")
        if not any((one, its) == (who, key) and since <= seq and (until is None or until > seq)
                   for one, its, since, until in self.terms):
            self.found(seq, "checkpoint", f"{path}: {who} was no administrator in office then",
                       f"{path}：{who} 当时不是在任管理员")
        if seq > self.entries:
            self.found(self.entries + 1, "cut", "{}: entries {} to {} are missing at the end",
                       "{}：末尾缺少第 {} 至 {} 条", path, self.entries + 1, seq)
        elif self.hashes.get(seq) != statement.get("head"):
            self.found(seq, "rewritten", "{}: the ledger up to entry {} is not the one that was signed",
                       "{}：第 {} 条以前的台账不是当初签署的", path, seq)


def main():
    """Read, compare, tell."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--against", type=Path, action="append", default=[], metavar="CHECKPOINT")
    parser.add_argument("--lang", choices=["zh", "en"], default="zh")
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    folder = chosen.folder / "ledger" if (chosen.folder / "ledger").is_dir() else chosen.folder
    verifier = Verifier()
    try:
        import cryptography.exceptions  # noqa: F401
    except ImportError:
        print('Needs the package "cryptography": pip install cryptography', file=sys.stderr)
        return 2
    try:
        if not any(folder.glob("ledger-*.jsonl")):
            print(f"没有台账：{folder}" if chosen.lang == "zh" else f"No ledger in {folder}", file=sys.stderr)
            return 2
        verifier.read(folder)
        verifier.end()
        for path in [*sorted((folder / "checkpoints").glob("*.json")), *chosen.against]:
            verifier.compare(path)
    except OSError as error:
        print(error, file=sys.stderr)
        return 2
    return report(verifier, chosen.lang, chosen.json)


def report(verifier, lang, as_json):
    """Print what was found; the exit code."""
    if as_json:
        print(json.dumps({
            "ok": not verifier.findings, "entries": verifier.entries, "head": verifier.head,
            "orders": len(verifier.orders), "handovers": len(verifier.handovers),
            "losses": len(verifier.losses),
            "destroyed": len(verifier.destroyed), "people": len(verifier.people),
            "torn_bytes": verifier.torn[0] if verifier.torn else 0,
            "acts": [{"entry": seq, "order": order, "act": act, "person": person,
                      "route": "key" if by is None else "paper", "entered_by": by}
                     for seq, order, act, person, by in verifier.acts],
            "findings": [{"entry": seq, "code": code, "message": english} for seq, code, english, _ in
                         verifier.findings],
            "remarks": [{"entry": seq, "code": code, "message": english} for seq, code, english, _ in
                        verifier.remarks],
        }, ensure_ascii=False, indent=1))
        return 1 if verifier.findings else 0
    for seq, _, english, chinese in verifier.findings:
        print(f"第 {seq} 条：{chinese}" if lang == "zh" else f"Entry {seq}: {english}")
    for seq, _, english, chinese in verifier.remarks:
        print(f"请核对，第 {seq} 条：{chinese}" if lang == "zh" else f"To be looked at, entry {seq}: {english}")
    by_hand = [one for one in verifier.acts if one[4] is not None]
    for seq, order, act, person, by in by_hand:
        told = (f"第 {seq} 条：批次 {order}，{act}，{person} 手签，{by} 录入" if lang == "zh" else
                f"Entry {seq}: order {order}, {act}: {person} signed on paper, entered by {by}")
        print("".join(char if char.isprintable() else "?" for char in told))
    if verifier.torn:
        told = {"zh": "末尾有 {} 字节（{} 条）从未确认的批次，下一次操作时舍弃，不算损坏",
                "en": "{} bytes ({} entries) of a batch that was never confirmed stand at the end; the next act cuts "
                      "them off, which is no damage"}
        print(told[lang].format(*verifier.torn))
    counts = (verifier.entries, len(verifier.people), len(verifier.orders), len(verifier.destroyed),
              len(verifier.findings), verifier.head)
    if lang == "zh":
        print("台账 {} 条，人员 {} 名，批次 {} 个，已销毁 {} 件；问题 {} 处。末条摘要 {}".format(*counts))
    else:
        print("{} entries, {} people, {} orders, {} records destroyed; {} findings. Head {}".format(*counts))
    return 1 if verifier.findings else 0


if __name__ == "__main__":
    sys.exit(main())
