"""Packaging metadata. Tool settings live in pyproject.toml, tested versions in constraints.txt."""

import re
from pathlib import Path

from setuptools import find_packages, setup

HERE = Path(__file__).parent
# Where tantivy 0.27 has wheels; elsewhere whoosh takes its place. Windows on ARM calls itself ARM64.
WITH_TANTIVY = " or ".join(f"platform_machine == '{one}'" for one in ("x86_64", "AMD64", "aarch64", "arm64"))
WITHOUT_TANTIVY = WITH_TANTIVY.replace("==", "!=").replace(" or ", " and ")
WHOOSH = "whoosh-reloaded==2.7.5"
VERSION = re.search(r'__version__ = "([^"]+)"', (HERE / "recordkit" / "__init__.py").read_text(encoding="utf-8"))

setup(
    name="recordkit",
    version=VERSION[1] if VERSION else "0",
    description="Documents, records archive and retention for the customer-service centre of a water utility",
    long_description=(HERE / "README.md").read_text(encoding="utf-8") if (HERE / "README.md").exists() else "",
    long_description_content_type="text/markdown",
    python_requires=">=3.11",
    packages=[*find_packages(include=["recordkit", "recordkit.*"]), "recordkit._forms"],
    # The forms lie at the top of the repository, where an office looks for them, and inside the installed package.
    package_dir={"recordkit._forms": "forms"},
    package_data={
        "recordkit": [
            "py.typed",
            "locale/*/LC_MESSAGES/*",
            "*.sql",
            "*.toml",
            "*/*.sql",
            "retention/*.toml",
            "templates/*.conf",
            "archive/search/*.txt",
            "demo_data/*",
            "demo_data/scans/*",
        ],
        "recordkit._forms": ["*.md", "*/*", "*/*/*"],
    },
    install_requires=[
        "arrow>=1.3",
        "bagit>=1.9",
        "chinesecalendar>=1.11",
        "click>=8.1.8",
        "cryptography>=43",
        "docxtpl>=0.20",
        "filelock>=3.15",
        "Jinja2>=3.1",
        "lxml>=5",
        "msgspec>=0.19",
        "numpy>=1.26",
        "openpyxl>=3.1",
        "Pillow>=11",
        "pypdf[crypto]>=5",
        "pypdfium2>=4.30",
        "python-calamine>=0.4",
        "python-docx>=1.1",
        "python-stdnum>=1.20",
        "PyYAML>=6",
        "rich>=13",
        f"tantivy>=0.24; {WITH_TANTIVY}",
        "tzdata>=2024.1; platform_system == 'Windows'",
        f"{WHOOSH}; {WITHOUT_TANTIVY}",
        "zxing-cpp>=3.1",
    ],
    extras_require={
        "ocr": ["rapidocr>=3.4", "onnxruntime>=1.19"],
        "pdf": ["pikepdf[pdfa]>=10"],
        "sign": ["pyHanko>=0.30"],
        "whoosh": [WHOOSH],
        "charts": ["matplotlib>=3.9"],
        "all": ["rapidocr>=3.4", "onnxruntime>=1.19", "pikepdf[pdfa]>=10", "pyHanko>=0.30", WHOOSH, "matplotlib>=3.9"],
        "dev": [
            "aiosmtpd>=1.4.6",
            "babel>=2.16",
            "coverage>=7.6",
            "hypothesis>=6.100",
            "mypy>=1.13",
            "ocfl-py>=2.0",
            "opencc>=1.1",
            "pypinyin>=0.53",
            "pytest>=8.3",
            "pytest-timeout>=2.3",
            "pytest-xdist>=3.6",
            "ruff>=0.8",
            "types-openpyxl",
            "types-PyYAML",
            WHOOSH,
        ],
    },
    entry_points={"console_scripts": ["recordkit = recordkit.__main__:main"]},
)
