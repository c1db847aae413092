"""Issued documents and small born-digital scans of them, made without LibreOffice."""

from __future__ import annotations

import io
from pathlib import Path

import pikepdf
from conftest import ISSUE_DAY, Cli
from papers import pdf_bytes

from recordkit.files import write_atomic
from recordkit.templates.code import PrintedCode
from recordkit.templates.forms import shipped_forms

DAY = ("--as-of", "2026-12-01")
NOTICE = "meter-change-notice"


def issue_one(cli: Cli, form: str = "supply-contract") -> str:
    """Issue the sample of a form; the document number."""
    data = shipped_forms() / form / "sample.toml"
    return str(cli.json("generate", form, "--data", data, "--as-of", ISSUE_DAY)["items"][0]["number"])


def scan(path: Path, text: str = "Paper", pages: int = 1) -> Path:
    """A PDF whose pages say ``text`` (ASCII) and their number."""
    write_atomic(path, pdf_bytes(pages, text=text), overwrite=True)
    return path


def signed(cli: Cli, path: Path, number: str, text: str = "signed", pages: int = 1) -> Path:
    """The signed paper of a document: the code of every page stands in its text."""
    return signed_paper(path, cli.json("issued", "show", number)["issue_id"], text, pages)


def signed_paper(path: Path, issue: str, text: str = "signed", pages: int = 1) -> Path:
    """The signed paper of the document with this issue id."""
    with pikepdf.new() as paper:
        for page in range(1, pages + 1):
            code = PrintedCode(issue, 1, page, pages).encode()
            with pikepdf.open(io.BytesIO(pdf_bytes(text=f"{text} {code}"))) as one:
                paper.pages.extend(one.pages)
        out = io.BytesIO()
        paper.save(out, deterministic_id=True)
    write_atomic(path, out.getvalue(), overwrite=True)
    return path


def filed(cli: Cli, folder: Path, number: str, text: str = "signed", pages: int = 1) -> str:
    """File the signed paper of a document from outside the store; the record id."""
    item = cli.json("ingest", signed(cli, folder / "signed.pdf", number, text, pages), *DAY)["items"][0]
    assert item["outcome"] == "archived", item
    return str(item["record_id"])
