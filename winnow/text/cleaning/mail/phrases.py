"""What mail programs, and people at the end of a mail, write in each language.

Lower case; a list's items are parted by `|` and may be regular expressions. To add a language, add to every list.
"""

import re

# The header lines of a repeated mail, by what they tell, as Outlook, Apple Mail, Thunderbird and Gmail name them.
FIELDS = {
    "from": (
        "from|von|de|da|van|från|fra|lähettäjä|od|feladó|de la|expeditor|от|от кого|від|kimden|gönderen|από|发件人|"
        "nadawca|mittente|remetente|발신자|"
        "šalje|pošiljatelj|nuo|saatja|sūtītājs|از|"
        "寄件者|寄件人|發件人|差出人|送信者|送信元|보낸 사람|보낸사람|من|מאת|từ|dari|จาก"
    ),
    # Names that only a mail has.
    "sent": (
        "sent|gesendet|gesendet am|envoyé|envoyé le|enviado|enviado el|enviado em|enviada em|enviada el|inviato|"
        "inviato il|verzonden|verzonden op|skickat|skickad|sendt|lähetetty|wysłano|wysłane|wysłany|odesláno|odoslané|"
        "küldve|elküldve|trimis|отправлено|отправлен|надіслано|gönderildi|gönderilme|gönderme tarihi|gönderilen|"
        "изпратено|изпратено на|poslano|poslato|išsiųsta|nosūtīts|saadetud|enviat|تم الإرسال|ارسال شده|"
        "στάλθηκε|εστάλη|发送时间|發送時間|已发送|寄件日期|傳送時間|送信日時|보낸 날짜|보낸날짜|تاريخ الإرسال|"
        "נשלח|đã gửi|dikirim|ส่งเมื่อ|ส่ง"
    ),
    "date": (
        "date|datum|fecha|data|dato|päivämäärä|päiväys|dátum|dată|дата|tarih|ημερομηνία|日期|日付|日時|날짜|التاريخ|"
        "תאריך|ngày|tanggal|วันที่"
    ),
    "to": (
        "to|an|à|a|pour|para|adresat|destinatario|수신자|aan|till|til|vastaanottaja|do|komu|címzett|către|catre|"
        "кому|kime|alıcı|προς|收件人|收件者|"
        "до|prima|primatelj|za|kam|adressaat|per a|به|"
        "宛先|받는 사람|받는사람|إلى|אל|đến|tới|kepada|ถึง"
    ),
    "subject": (
        "subject|betreff|objet|sujet|asunto|oggetto|assunto|onderwerp|ämne|emne|aihe|temat|předmět|predmet|tárgy|"
        "относно|zadeva|tēma|teema|assumpte|موضوع|"
        "subiect|тема|konu|θέμα|主题|主旨|主題|件名|제목|الموضوع|נושא|chủ đề|tiêu đề|subjek|perihal|เรื่อง|หัวเรื่อง"
    ),
    "other": (
        "cc|bcc|cci|cco|ccn|kopie|kopia|kopi|kopio|copie|copie à|copia|cópia|dw|udw|másolatot kap|копия|копія|bilgi|"
        "κοιν|κοιν.|κοινοποίηση|抄送|副本|참조|نسخة|עותק|salinan|สำเนา|importance|wichtigkeit|priorité|importancia|"
        "priorità|importância|urgentie|prioritet|tärkeys|ważność|důležitost|важность|önem|重要性|重要度|중요도|"
        "attachments|anlagen|pièces jointes|datos adjuntos|allegati|anexos|bijlagen|bifogade filer|vedhæftede filer|"
        "vedlegg|liitteet|załączniki|přílohy|вложения|ekler|附件|添付ファイル|첨부 파일|reply-to|antwort an|"
        "répondre à|responder a|organization|organisation"
    ),
}
ROLES = {name: role for role, names in FIELDS.items() for name in names.split("|")}

ORIGINAL = (
    "original (?:message|mail|e-?mail|appointment)|reply message|ursprüngliche (?:nachricht|e-?mail|mail)|"
    "originalnachricht|original ?nachricht|message d['’]origine|message original|courriel original|mensaje original|"
    "messaggio originale|mensagem original|oorspronkelijk (?:bericht|e-?mail)|originele bericht|"
    "ursprungligt meddelande|originalmeddelande|oprindelig (?:meddelelse|besked)|opprinnelig melding|"
    "alkuperäinen viesti|wiadomość oryginalna|oryginalna wiadomość|původní (?:zpráva|e-?mail)|pôvodná správa|"
    "eredeti (?:üzenet|levél)|mesaj original|исходное сообщение|оригинальное сообщение|"
    "первоначальное сообщение|вихідне повідомлення|оригінальне повідомлення|özgün ileti|orijinal (?:mesaj|ileti)|"
    "αρχικό μήνυμα|原始邮件|邮件原件|原始郵件|原郵件|元のメッセージ|원본 (?:메시지|메일)|원래 메시지|الرسالة الأصلية|"
    "הודעה מקורית|tin nhắn gốc|thư gốc|pesan asli|ข้อความต้นฉบับ"
)
FORWARDED = (
    "forwarded (?:message|mail|e-?mail|appointment)(?: from .{1,60})?|weitergeleitete (?:nachricht|e-?mail)|"
    "message (?:transféré|réexpédié)|courriel transféré|mensaje reenviado|messaggio inoltrato|"
    "mensagem (?:encaminhada|reencaminhada)|doorgestuurd bericht|vidarebefordrat (?:meddelande|brev)|"
    "videresendt? (?:meddelelse|besked|melding|e-post)|(?:edelleen ?lähetetty|välitetty) viesti|"
    "przekazana wiadomość|wiadomość przekazana(?: dalej)?|přeposlaná zpráva|preposlaná správa|továbbított üzenet|"
    "mesaj redirecționat|пересылаемое сообщение|пересланное (?:сообщение|письмо)|переадресованное сообщение|"
    "переслане повідомлення|(?:iletilen|yönlendirilen|yönlendirilmiş) (?:ileti|mesaj)|προωθημένο μήνυμα|"
    "转发(?:的)?(?:邮件|信息)(?:信息)?|已转发(?:的)?邮件|轉寄(?:的)?(?:郵件|訊息)|転送(?:された)?メッセージ|"
    "전달된 (?:메시지|메일)|"
    "رسالة معاد توجيهها|הודעה שהועברה|thư đã chuyển tiếp|pesan terusan|ข้อความที่ส่งต่อ"
)
# Apple Mail's line, without dashes.
FORWARD_BEGINS = (
    "begin forwarded message|anfang der weitergeleiteten (?:nachricht|e-?mail)|"
    "début du message (?:réexpédié|transféré)|inicio del mensaje reenviado|"
    "inizio (?:del )?messaggio inoltrato|início da mensagem (?:encaminhada|reencaminhada)|"
    "begin doorgestuurd bericht|vidarebefordrat brev|start på videresendt besked|videresendt melding|"
    "välitetty viesti alkaa|początek przekazywanej wiadomości|začátek přeposílané zprávy|"
    "начало переадресованного сообщения|iletilmiş mesajın başlangıcı|下面是被转发的邮件|開始轉寄郵件|"
    "転送されたメッセージ|전달된 메시지 시작"
)
# Before a subject: the reader puts it above the body.
REPLY_MARK = "re|aw|antw|sv|vs|ref|rif|r|res|odp|re|отв|ynt|yanıt|απ|回复|回覆|答复|返信|회신|答"
FORWARD_MARK = "fwd?|wg|tr|rv|i|enc|doorst|fs|vb|vl|pd|fw|пересл|ilt|προ|转发|轉寄|転送|전달"

WROTE = (
    "wrote|writes|schrieb|schreibt|a écrit|a ecrit|écrivait|escribió|escribio|escribe|ha scritto|scrive|escreveu|"
    "schreef|geschreven|napisao(?: je)?|napisala je|"
    "је написао|skrev|skriver|kirjoitti|napisał(?:a|\\(a\\)|/a)?|pisze|napsal(?:a|\\(a\\))?|píše|"
    "napísal(?:a|\\(a\\))?|(?:ezt )?írta|a scris|написал(?:а|\\(а\\)|\\(-а\\))?|пишет|писал(?:а)?|написав|написала|"
    "написа|написао|rašė|rakstīja|kirjutas|نوشت(?: است)?|ने लिखा|"
    "пише|şunu yazdı|şunları yazdı|yazdı|έγραψε|写道|寫道|写了|寫了|のメール|さんは書きました|は書きました|님이 작성|"
    "님의 메일|작성|كتب|كتبت|كتب/كتبت|تمت كتابة ما يلي بواسطة|כתב|כתבה|đã viết|menulis|เขียนว่า|va escriure"
)
# "Quoting Ann <ann@example.org>:" (Horde, IMP).
QUOTING = "quoting|zitat von|citando|citando a|selon|quotando|citerar|citat från|missatge de"

# Words in lower case that a mail program's line on date and author may hold; other words make it somebody's own.
_MONTHS = (
    "jan|feb|fév|fev|mar|mär|mrt|maart|apr|avr|abr|mai|maj|mei|may|mag|jun|juin|jul|juil|giu|gen|lug|aug|août|aou|"
    "ago|"
    "sep|set|oct|okt|ott|out|nov|dec|déc|dez|dic|ene|led|úno|bře|dub|kvě|čer|srp|zář|říj|lis|pro|sty|lut|kwi|cze|lip|"
    "sie|wrz|paź|gru|tam|hel|maa|huh|tou|kes|kesä|hei|elo|syy|lok|jou|янв|фев|мар|апр|мая|май|июн|июл|авг|сен|окт|"
    "ноя|"
    "дек|січ|лют|бер|кві|тра|чер|лип|сер|вер|жов|лис|гру|oca|şub|nis|haz|tem|ağu|eyl|eki|kas|ara|ian|iun|iul|márc|"
    "ápr|máj|jún|júl|szept|ιαν|φεβ|μαρ|απρ|μαΐ|ιουν|ιουλ|αυγ|σεπ|οκτ|νοε|δεκ|thg|tháng"
)
DAYS = (
    "mon|tue|wed|thu|fri|sat|sun|lun|mar|mer|jeu|ven|sam|dim|lunes|martes|mié|mie|jue|vie|sáb|sab|dom|gio|seg|ter|"
    "qua|"
    "qui|sex|ma|di|wo|do|vr|za|zo|maandag|dinsdag|woensdag|donderdag|vrijdag|zaterdag|zondag|mån|tis|ons|tor|fre|lör|"
    "sön|man|tir|lør|søn|ke|to|pe|la|su|maanantai|tiistai|keskiviikko|torstai|perjantai|lauantai|sunnuntai|pon|wt|śr|"
    "czw|pt|sob|niedz|po|út|st|čt|pá|so|ne|пн|вт|ср|чт|пт|сб|вс|нд|пон|вто|сре|чет|пят|суб|вос|поне|четв|пятн|δευ|"
    "τρί|τετ|πέμ|παρ|σάβ|κυρ|lundi|mardi|mercredi|jeudi|vendredi|samedi|dimanche|hétfő|kedd|szerda|csüt|pént|szo|vas"
)
_LINKS = (
    "on|at|in|of|by|via|from|am|um|uhr|le|à|a|el|a las|a la|las|los|la|il|giorno|alle|ore|em|às|ás|as|op|om|den|"
    "kl|klo|"
    "dnia|dniu|w|o|g|godz|dne|v|hod|ve|в|г|о|р|в|tarihinde|saat|günü|tarihinde|vào|lúc|pada|tanggal|pukul|στις|ο|"
    "η|χρήστης|"
    "la|în|às|de|del|da|do|das|dos|di|der|van|von|zu|und|and|et|y|e|i|och|og|ja|ten|bin|al|ibn|le|du|des|st|th|nd|rd|"
    "pm|gmt|utc|cet|cest|μ|π|h|s|p|m|odesílatel|użytkownik|uživatel|používateľ|пользователь|користувач|følgende|"
    "följande|viết|đã|kello|időpont|message|article|"
    "dia|les|dl|dt|dc|dj|dv|ds|dg|id|news|mailto|ezt|écrit|ha|ecrit|heeft|va|şunu|şunları|szept|numera|vs"
)
DATE_WORD = rf"(?:{_MONTHS}|{DAYS})\w{{0,9}}|{_LINKS}"
# Who is meant so is no name: the author tells what somebody wrote.
TELLING = (
    "your|yours|you|je|yo|io|eu|ik|jag|jeg|minä|я|my|our|his|their|he|she|they|we|ihr|ihre|ihrer|ihrem|euer|eure|"
    "mein|meine|unser|unsere|sie|wir|ich|"
    "votre|vos|notre|vous|nous|ils|elle|sus|nuestro|nuestra|usted|ustedes|suo|sua|vostro|vostra|nostro|seu|"
    "vosso|vossa|meu|nosso|uw|jullie|onze|mijn|jouw|er|din|deras|min|vår|jeres|deres|vores|teidän|wasz|wasza|państwa|"
    "mój|nasz|váš|vaše|můj|náš|ваш|ваша|ваши|мой|наш|вы|ви|siz|sizin|benim|bizim"
)
TELLING_UNSPACED = "你们|您|贵公司|我们|客服|你們|貴公司|我們|お客様|御社|貴社|弊社|귀사|고객|저희|당신"


def either(*lists: str) -> str:
    """Return a pattern of the lists' items."""
    return "(?:" + "|".join(lists) + ")"


REPLY_SUBJECT = re.compile(rf"\s*{either(REPLY_MARK)}\s?(?:[\[(]\d{{1,4}}[\])])?\s?[:：]", re.I)
FORWARD_SUBJECT = re.compile(rf"\s*{either(FORWARD_MARK)}\s?(?:[\[(]\d{{1,4}}[\])])?\s?[:：]", re.I)
