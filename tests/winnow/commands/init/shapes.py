"""Files of many shapes, as people have them: each function writes one into a folder and returns its path."""

import csv
import gzip
import io
import json
import lzma
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

WORDS = "lost card refund late parcel broken login invoice change address cancel order upgrade plan".split()


def text(number: int) -> str:
    """A message of its own."""
    words = (WORDS[(number * step + step) % len(WORDS)] for step in (1, 3, 5, 7, 11))
    return f"Please help me with the {' '.join(words)} of case {number}"


LABELS = ("billing", "delivery", "other")
ROWS = [(text(number), LABELS[number % 3]) for number in range(60)]


def table(rows: list, header: list[str] | None, **options) -> str:
    out = io.StringIO(newline="")
    writer = csv.writer(out, **options)
    if header:
        writer.writerow(header)
    writer.writerows(rows)
    return out.getvalue()


def semicolons_cp1252(folder: Path) -> Path:
    """A spreadsheet's export on a German Windows: decimal commas, dates by day."""
    texts = ["Die Lieferung kam viel zu spät", "Rechnung über 5 € ist falsch", "Können Sie mir bitte helfen"]
    rows = [
        (f"{n:02d}.03.2024", f"{texts[n % 3]}, größere Störung Nr. {n}", f"{n},50", ("spät", "falsch", "Hilfe")[n % 3])
        for n in range(1, 29)
    ]
    path = folder / "beschwerden.csv"
    path.write_bytes(table(rows, ["Datum", "Nachricht", "Betrag", "Kategorie"], delimiter=";").encode("cp1252"))
    return path


def tsv_without_header(folder: Path) -> Path:
    """Label and text, with quotes that quote nothing."""
    path = folder / "sms.tsv"
    lines = [f'{("ham", "spam")[n % 4 == 0]}\t{text(n)}, "so" they say, a 5" disk' for n in range(40)]
    path.write_text("\n".join(lines) + "\n")
    return path


def nested_jsonl(folder: Path) -> Path:
    path = folder / "nested.jsonl"
    rows = (
        {"id": n, "data": {"text": body, "by": {"user": n // 2}}, "y": label} for n, (body, label) in enumerate(ROWS)
    )
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def parquet(folder: Path) -> Path:
    path = folder / "rows.parquet"
    pq.write_table(pa.table({"sentence": [t for t, _ in ROWS], "target": [n % 3 for n in range(60)]}), path)
    return path


def utf16(folder: Path) -> Path:
    path = folder / "excel.csv"
    rows = [(f"{t} – señor", label) for t, label in ROWS]
    path.write_bytes(table(rows, ["text", "label"], delimiter="\t").encode("utf-16"))
    return path


def packed(folder: Path) -> Path:
    path = folder / "rows.csv.gz"
    path.write_bytes(gzip.compress(table(ROWS, ["message", "intent"]).encode()))
    return path


def byte_order_mark(folder: Path) -> Path:
    path = folder / "bom.csv"
    path.write_text("\ufeff" + table(ROWS, ["text", "label"]))
    return path


def texts_by_folder(folder: Path) -> Path:
    for n, (body, label) in enumerate(ROWS):
        file = folder / "reviews" / label / f"{n}.txt"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(body)
    (folder / "reviews/.DS_Store").write_bytes(b"\0\1")
    (folder / "reviews/notes.pdf").write_bytes(b"%PDF")
    return folder / "reviews"


def mail(number: int) -> str:
    return (
        f"From: a{number}@example.org\nTo: desk@example.org\nMessage-ID: <{number}@example.org>\n"
        f"Date: Mon, {number % 28 + 1} Jan 2024 10:00:00 +0000\nSubject: Case {number}\n\n{text(number)}\n"
    )


def mails_by_folder(folder: Path) -> Path:
    for n in range(40):
        file = folder / "inbox" / ("ham", "spam")[n % 2] / f"{n}.eml"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(mail(n))
    return folder / "inbox"


def mails_without_an_ending(folder: Path) -> Path:
    for n in range(40):
        file = folder / "corpus" / ("ham", "spam")[n % 2] / f"{n:05d}.7c53336b37003a9286aba55d2945844c"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(mail(n))
    return folder / "corpus"


def mbox(folder: Path) -> Path:
    path = folder / "list.mbox"
    path.write_text("".join(f"From a@b Mon Jan  1 00:00:00 2024\n{mail(n)}\n" for n in range(30)))
    return path


def numbers_as_labels(folder: Path) -> Path:
    path = folder / "stars.csv"
    path.write_text(table([(n, t, n % 5 + 1) for n, (t, _) in enumerate(ROWS)], ["", "review", "stars"]))
    return path


def many_classes(folder: Path) -> Path:
    path = folder / "intents.csv"
    path.write_text(table([(text(n), f"intent {n % 77}") for n in range(77 * 6)], ["text", "category"]))
    return path


def numbers_and_their_names(folder: Path) -> Path:
    path = folder / "both.csv"
    path.write_text(table([(t, LABELS.index(label), label) for t, label in ROWS], ["text", "label", "label_name"]))
    return path


def _of_script(name: str, texts: tuple[str, str], labels: tuple[str, str], header: tuple[str, str]):
    def write(folder: Path) -> Path:
        path = folder / f"{name}.csv"
        path.write_text(table([(f"{texts[n % 2]}{n}", labels[n % 2]) for n in range(40)], list(header)))
        return path

    write.__name__ = name
    return write


chinese = _of_script(
    "chinese",
    ("我想取消我的订单，物流太慢了，请尽快处理", "商品质量很好，我非常满意，下次再来"),
    ("投诉", "好评"),
    ("文本", "标签"),
)
hindi = _of_script(
    "hindi",
    ("मेरा पार्सल अभी तक नहीं आया है, कृपया मदद करें ", "यह उत्पाद बहुत अच्छा है, धन्यवाद "),
    ("शिकायत", "प्रशंसा"),
    ("पाठ", "श्रेणी"),
)
arabic = _of_script(
    "arabic", ("لم يصل طلبي حتى الآن أرجو المساعدة ", "المنتج رائع جدا شكرا لكم "), ("شكوى", "مدح"), ("نص", "تصنيف")
)


def quoted_newlines(folder: Path) -> Path:
    path = folder / "newlines.csv"
    rows = [(f'He said:\n"{t}",\r\nand left', label) for t, label in ROWS]
    path.write_text(table(rows, ["body", "class"]), newline="")
    return path


def empty_text_column(folder: Path) -> Path:
    path = folder / "empty.csv"
    path.write_text(table([("", t, label) for t, label in ROWS], ["text", "comment", "label"]))
    return path


def threads_and_titles(folder: Path) -> Path:
    """A group, a key, dates with a time, a title beside the body."""
    path = folder / "threads.csv"
    header = ["ticket_id", "thread_id", "created_at", "title", "body", "queue"]
    rows = [
        (f"T-{n}", f"th{n // 2}", f"2024-01-{n % 28 + 1:02d}T10:00:00", f"About {WORDS[n % 13]}", t, label)
        for n, (t, label) in enumerate(ROWS)
    ]
    path.write_text(table(rows, header))
    return path


def seconds_since_1970(folder: Path) -> Path:
    path = folder / "seconds.csv"
    rows = [(t, label, 1_700_000_000 + n) for n, (t, label) in enumerate(ROWS)]
    path.write_text(table(rows, ["text", "label", "timestamp"]))
    return path


def archive(folder: Path) -> Path:
    path = folder / "texts.zip"
    with zipfile.ZipFile(path, "w") as out:
        for n, (body, label) in enumerate(ROWS):
            out.writestr(f"set/{label}/{n}.txt", body)
    return path


def archive_of_a_table(folder: Path) -> Path:
    path = folder / "table.zip"
    with zipfile.ZipFile(path, "w") as out:
        out.writestr("rows.csv", table(ROWS, ["text", "label"]))
    return path


def single_quotes(folder: Path) -> Path:
    path = folder / "single.csv"
    path.write_text(table(ROWS, ["text", "label"], quotechar="'", quoting=csv.QUOTE_ALL))
    return path


def spellings(folder: Path) -> Path:
    """Labels in several spellings, and one of two rows."""
    path = folder / "spellings.csv"
    spelt = {0: "Billing", 3: "billing ", 6: "BILLING", 1: "rare", 4: "rare"}
    path.write_text(table([(t, spelt.get(n, label)) for n, (t, label) in enumerate(ROWS)], ["text", "label"]))
    return path


def excel_of_europe(folder: Path) -> Path:
    """A first line that names the delimiter, and numbers with commas as labels."""
    path = folder / "sterne.csv"
    rows = [(f"{t}, sagt sie; so", f"{number % 3},5") for number, (t, _) in enumerate(ROWS)]
    path.write_bytes(("sep=;\r\n" + table(rows, ["text", "label"], delimiter=";")).encode("utf-16"))
    return path


def tsv_of_language_data(folder: Path) -> Path:
    """Quotes that quote nothing, some of which pair over lines."""
    path = folder / "tweets.tsv"
    wraps = ('"{}', "{}", '{}"', '"{}" he said', "{}", '"{}"')
    rows = [(wraps[number % 6].format(t), label) for number, (t, label) in enumerate(ROWS)]
    path.write_text("text\tlabel\n" + "".join(f"{t}\t{label}\n" for t, label in rows))
    return path


def tsv_without_a_quote(folder: Path) -> Path:
    path = folder / "plain.tsv"
    path.write_text(table(ROWS, ["text", "label"], delimiter="\t"))
    return path


def tsv_of_pandas(folder: Path) -> Path:
    path = folder / "quoted.tsv"
    rows = [(f'she said "{t}"' + "\n\tso" * (number % 3 == 0), label) for number, (t, label) in enumerate(ROWS)]
    path.write_text(table(rows, ["text", "label"], delimiter="\t"))
    return path


def old_macs_lines(folder: Path) -> Path:
    path = folder / "mac.csv"
    path.write_bytes(table(ROWS, ["text", "label"], lineterminator="\r").encode("mac-roman"))
    return path


def texts_of_one_column(folder: Path) -> Path:
    path = folder / "texts.csv"
    path.write_text(table([(f"{t}, please, {label}",) for t, label in ROWS], ["text"]))
    return path


def packed_by_another_name(folder: Path) -> Path:
    path = folder / "ROWS.CSV"
    path.write_bytes(lzma.compress(table(ROWS, ["text", "label"]).encode()))
    return path


def archive_of_a_mac(folder: Path) -> Path:
    path = folder / "mac.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for number, (t, label) in enumerate(ROWS):
            archive.writestr(f"box/{label}/{number}.txt", t)
            archive.writestr(f"__MACOSX/box/{label}/._{number}.txt", b"\0\5\x16\7\xff")
        archive.writestr("box/.DS_Store", b"\0\0\0\1Bud1")
    return path


def escaped_quotes(folder: Path) -> Path:
    """As databases dump them."""
    path = folder / "dump.csv"
    path.write_text("text,label\n" + "".join(f'"he said \\"{t}\\", so",{label}\n' for t, label in ROWS))
    return path


ODD = ["yes", "no", "null", "1e5", "~", "a: b", "# x", "😀 happy", "'q'", '"', "-", "[x]", "{y}", "2024-01-01", "1_000"]
ODD += [
    "*a",
    "&b",
    "!c",
    "%d",
    "@e",
    "`f`",
    "a/b",
    ".inf",
    "true",
    "x" * 80,
    "</script>",
    "1:20",
    "0o7",
    "|",
    ">",
    "a\tb",
]


def odd_names(folder: Path) -> Path:
    """Labels, columns and a file of which YAML, a glob or a shell makes something else."""
    path = folder / "odd [1] é.csv"
    rows = [(text(n), ODD[n % len(ODD)], n % 3) for n in range(6 * len(ODD))]
    path.write_text(table(rows, ["text: #1", "label", "*x"]))
    return path
