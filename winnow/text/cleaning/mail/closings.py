"""How a mail ends, in each language: closings, lines of devices, postscripts, disclaimers, footers of lists.

Lower case; a list's items are parted by `|` and may be regular expressions. To add a language, add to every list.
"""

_CLOSINGS = (
    # English
    "(?:with )?(?:my |our )?(?:very )?(?:best|kind|kindest|warm|warmest|many) (?:regards|wishes|thanks)|"
    "(?:best |with )?regards|rgds|br|kr|best|all the best|sincerely(?: yours)?|respectfully(?: yours)?|"
    "(?:yours|very) (?:sincerely|faithfully|truly)(?: yours)?|yours|take care|love|bye|warmly|hugs|"
    "(?:talk|speak|see you) soon|have a (?:nice|good|great|lovely) (?:day|evening|week|weekend|one)|"
    # German
    "(?:mit )?(?:(?:freundlich|best|lieb|viel|schön|herzlich|sonnig)(?:en|e|em)|vielen lieben|ganz liebe) "
    "gr(?:ü|ue)(?:ß|ss)(?:en|e)?|"
    "(?:mit )?(?:(?:freundlich|best|lieb|herzlich)e[mr] |schönen |besten )?gru(?:ß|ss)|gr(?:ü|ue)(?:ß|ss)e|"
    "mfg|lg|vg|bg|hochachtungsvoll|herzlichst|alles gute|tsch(?:ü|ue)(?:ß|ss)|"
    "(?:freundlich|es|herzlich) grü(?:ß|ss)t(?: (?:sie|dich|euch))?(?: freundlich| herzlich)?|"
    "(?:einen |noch einen )?schönen (?:tag|abend)(?: noch)?|(?:ein )?schönes wochenende|"
    # French
    "(?:bien )?cordialement|(?:bien )?à vous|amicalement|(?:sincères |meilleures |cordiales )?salutations"
    "(?: distinguées| cordiales)?|respectueusement|cdlt|bien à toi|bises|bisous|amitiés|"
    "à (?:très )?bientôt|bonne (?:journée|soirée|continuation)|bon week-end|"
    "(?:veuillez|je vous prie d[’']) ?(?:agréer|recevoir)[^\\n]{0,120}|"
    # Spanish, Catalan
    "(?:un |reciba un )?(?:cordial )?saludos?(?: cordial(?:es)?)?|muchos saludos|atentamente|atte|cordialmente|"
    "(?:un )?(?:fuerte )?abrazos?|besos|hasta (?:pronto|luego)|quedo atent[oa]|"
    "(?:ben )?(?:cordials )?salutacions(?: cordials)?|atentament|"
    # Italian
    "(?:cordiali |distinti |cari |tanti )?saluti|(?:un )?(?:cordiale )?saluto|in fede|ciao|a presto|"
    "un caro saluto|buona (?:giornata|serata)|"
    # Portuguese
    "atenciosamente|at\\.te|att|beijos|abs|grat[oa]|(?:com os )?(?:melhores |meus )?cumprimentos|"
    "(?:um )?(?:grande )?abraços?|respeitosamente|"
    # Dutch
    "(?:met )?(?:vriendelijke|hartelijke|beste) groet(?:en)?|groet(?:en|jes)?|m\\.?v\\.?g\\.?|hoogachtend|gr|"
    "met groet|fijne dag|"
    # Swedish, Danish, Norwegian
    "(?:med )?(?:vänlig|vänliga|bästa|venlig|venlige|vennlig|vennlige|bedste|beste|kærlig|kjærlig|hjertelig)"
    "(?: hälsning(?:ar)?| hilsen| hilsner)|hälsningar|hilsen|(?:de )?(?:bedste|beste) hilsner|hälsar|kram|mvh|"
    "m\\.v\\.h\\.|vh|kh|"
    # Finnish
    "(?:ystävällisin |parhain |terveisin )?terveisin|terveiset|yst\\. terv\\.|yt|ystävällisesti|terv|kunnioittavasti|"
    # Polish
    "z pozdrowieniami|miłego dnia|(?:serdecznie )?pozdrawiam(?: serdecznie)?|pozdrowienia|"
    "(?:z )?(?:wyrazami szacunku|poważaniem)|"
    "łączę pozdrowienia|"
    # Czech, Slovak
    "s (?:přátelským |srdečným )?pozdravem|s pozdravom|s (?:úctou|přáním hezkého dne)|zdravím|(?:hezký|pěkný) den|"
    # Croatian, Serbian, Slovene, Bulgarian
    "s (?:po)?štovanjem|s spoštovanjem|(?:(?:lijep|lep|srdačan|prijazen) )?pozdrav|lp|lepo pozdravljeni|с поштовањем|"
    "(?:срдачан )?поздрав|с уважение|(?:сърдечни )?поздрави|"
    # Lithuanian, Latvian, Estonian
    "pagarbiai|geriausi linkėjimai|ar cieņu|ar sveicieniem|lugupidamisega|parimate soovidega|tervitades|"
    # Hungarian, Romanian, Greek
    "(?:szívélyes |baráti )?üdvözlettel|tisztelettel|üdv|cu (?:stimă|respect|drag)|με εκτίμηση|"
    "με (?:φιλικούς|θερμούς) χαιρετισμούς|φιλικά|"
    # Russian, Ukrainian
    "с (?:глубоким )?уважением|с наилучшими пожеланиями|с приветом|всего (?:доброго|хорошего|наилучшего)|"
    "хорошего дня|з повагою|"
    "з найкращими побажаннями|"
    # Turkish
    "(?:en içten )?saygılarım(?:la|ızla)|saygılar|sevgiler(?:le|imle)?|selamlar|iyi (?:çalışmalar|günler)|"
    # Chinese, Japanese, Korean
    "此致|敬礼|此致敬礼|此致 敬礼|祝好|敬上|顺祝商祺|顺颂商祺|祝(?:您|你)?(?:工作|生活|一切)?(?:愉快|顺利)|"
    "順頌商祺|祝商祺|"
    "(?:以上、?)?(?:どうぞ)?(?:何卒)?(?:よろしく|宜しく)(?:お願い|お願)(?:いた|致)?(?:します|しま[すつ]|申し上げます)|敬具|草々|以上|"
    "(?:[가-힣]{2,4} ?)?(?:드림|올림|배상)|안녕히 계세요|안녕히 계십시오|이만 줄입니다|수고하세요|수고하십시오|"
    "좋은 하루 (?:되세요|보내세요)|"
    # Arabic, Hebrew, Vietnamese, Indonesian, Thai, Hindi
    "مع (?:أطيب|خالص) التحيات|مع تحياتي|تحياتي|وتفضلوا بقبول فائق الاحترام|בברכה|בכבוד רב|trân trọng|thân ái|"
    "salam(?: hormat)?|hormat (?:saya|kami)|با احترام|با تشکر|ارادتمند(?: شما)?|ขอแสดงความนับถือ|ด้วยความเคารพ|"
    "सादर|भवदीय"
)
# These may be what somebody wanted to say: at the start, or alone below a subject, they stay.
_THANKS = (
    "(?:many |thanks and )?thanks(?: again| in advance| a lot| so much| very much| and (?:best )?regards)?|cheers|"
    "thank you(?: very much| so much| again| in advance)?|thx|ta|"
    "(?:vielen |besten |herzlichen )?dank(?: im voraus| vorab)?|danke(?: im voraus| sch(?:ö|oe)n)?|"
    "merci(?: d[’']avance| beaucoup| par avance)?|(?:muchas )?gracias(?: de antemano)?|(?:mille |molte )?grazie"
    "(?: mille| in anticipo)?|(?:muito )?obrigad[oa]|(?:alvast |hartelijk )?bedankt|"
    "(?:med )?tack(?: på förhand| så mycket)?|"
    "(?:på forhånd )?takk?(?: på forhånd)?|kiitos(?: etukäteen)?|kiitoksia|(?:z góry )?dziękuję|(?:předem )?děkuji|"
    "ďakujem|köszönettel|köszönöm|mulțumesc|ευχαριστώ|(?:заранее )?(?:спасибо|благодарю)(?: заранее)?|дякую|"
    "teşekkürler|teşekkür ederim|谢谢|謝謝|多谢|ありがとうございます|감사합니다|고맙습니다|شكراً?|תודה(?: רבה)?|"
    "cảm ơn|"
    "terima kasih|ขอบคุณ(?:ครับ|ค่ะ)?|धन्यवाद"
)
_BRANDS = (
    "iphone|i-phone|ipad|ipod|apple watch|mac|phone|mobile|handy|telefon|handset|tablet|galaxy|samsung|huawei|xiaomi|"
    "redmi|pixel|android|blackberry|nokia|windows|outlook|mail|e-mail-app|device|laptop|htc|sony|xperia|motorola|"
    "moto|oneplus|"
    "oppo|vivo|gerät|smartphone|téléphone|appareil|móvil|telemóvel|celular|dispositivo|cellulare|puhelime|laite|gmx|"
    "proton|spark|手机|手機|スマホ|携帯|휴대폰|휴대전화|телефон"
)
# "Sent from my phone" in each language; words may follow, a device or a program is named.
_SENT = (
    "sent (?:from|with|via|using|by)|(?:von|mit) (?:meinem|meiner|mein|unterwegs|der|einem)|"
    "gesendet (?:von|mit|aus|via|über)|diese nachricht wurde von|envoyé (?:de|depuis|à partir|avec|via)|"
    "enviado (?:desde|do|da|de|por|a partir|via|con|com|pelo)|inviato (?:da|dal|con|tramite)|"
    "(?:verzonden|verstuurd) (?:vanaf|vanuit|met|via|door)|skickat från|sendt (?:fra|med|via)|lähetetty|"
    "(?:wysłane|wysłano|wysłany) z|odesláno z|odoslané z|elküldve|trimis de pe|στάλθηκε από|"
    "отправлено (?:с|из)|надіслано (?:з|із)|发自|發自|从我的|從我的|נשלח|أُ?رسلت? من|"
    "đã gửi từ|dikirim dari|ส่งจาก|나의|내|provenance ?:"
)
_SENT_LAST = "から送信(?:しました)?|에서 보냄|에서 보냈습니다|에서 발송|gönderildi|gesendet"
_DEVICE = (
    f"(?:{_SENT})[^\\n,;.!?]{{0,60}}(?:{_BRANDS})[^\\n,;!?]{{0,40}}|"
    "(?:get|download|holen sie sich|laden sie|obtenir|obtenez|télécharger|obtener|obtén|descargar|ottieni|scarica|"
    "obter|obtenha|baixar|hämta|hent|få|skaff deg|hanki|pobierz|získat|stáhnout|скачать|скачайте|获取|取得) "
    "[^\\n,;.!?]{0,20}outlook [^\\n,;.!?]{1,30}|outlook [^\\n,;.!?]{1,20} (?:beziehen|downloaden|を入手|다운로드)|"
    "[^\\n,;.!?]{0,20}outlook[’']u edinin|"
    f"[^\\n,;.!?]{{0,40}}(?:{_BRANDS})[^\\n,;.!? ]{{0,20}}(?: を使用して)? ?(?:{_SENT_LAST})"
)
_POSTSCRIPT = (
    "p\\.? ?p?\\.? ?s\\.?|p\\.?-s\\.?|p\\.d\\.|pd|postscript(?:um)?|post scriptum|nachtrag|n\\.?b\\.?|з\\.ы\\.|追記|"
    "追伸|附言|又及|추신|ملاحظة|נ\\.ב\\."
)
# One of these makes a paragraph below a closing a notice of the sender's company.
_NOTICE = (
    "confidential(?:ity)?|intended (?:recipient|solely|only|for the)|privileged|vertraulich|adressat|"
    "unbefugte|confidentiel|destinataire|confidencial|destinatari[oa]|riservat[oaei]|vertrouwelijk|geadresseerde|"
    "konfidentiel|fortrolig|konfidensiell|luottamuksellis|poufn|adresat|důvěrn|конфиденциальн|gizli|机密|保密|"
    "機密|秘密|비밀|기밀|"
    "consider the environment|umwelt|avant d[’']imprimer|medio ambiente|virus-?free|virenfrei|"
    "registered (?:in|office|number)|company (?:no|number|registration)|amtsgericht|handelsregister|geschäftsführer|"
    "ust-id|ustid|sitz der gesellschaft|vat (?:no|number|reg)|disclaimer|"
    "not the (?:intended |named )?(?:recipient|addressee)|received (?:it|this .{1,20}) in error|"
    "(?:notify|inform|tell|contact) the sender|informieren sie (?:bitte )?den absender|"
    "(?:avertir|prévenir) l[’']expéditeur"
)
_LIST = (
    "mailing ?list|mailingliste|listinfo|unsubscribe|subscribed to|listserv|google groups|groups\\.google|"
    "abbestellen|"
    "abmelden|abzumelden|désabonner|desabonner|désinscri|darse de baja|cancelar (?:la )?suscripción|disiscriv|"
    "annulla l[’']iscrizione|cancelar (?:a )?(?:inscrição|subscrição)|afmelden|uitschrijven|avregistrera|"
    "avprenumerera|afmeld|avmeld|peru(?:uta)? tilaus|wypisać|zrezygnować|odhlásit|отписаться|aboneliğ|"
    "退订|取消订阅|退訂|配信停止|登録解除|수신 ?거부|구독 ?취소"
)
_SUBSCRIBED = (
    "to unsubscribe\\b|unsubscribe(?: from this list)?:|click here to unsubscribe|"
    "you (?:are receiving|received|are getting) this (?:e-?mail|message|mail|newsletter) because you|"
    "um sich (?:von dieser liste )?abzumelden|pour (?:se|vous) désabonner|para darse de baja|"
    "per disiscriver(?:ti|si)|para cancelar a (?:inscrição|subscrição)|om (?:je|u) (?:af te melden|uit te schrijven)|"
    "чтобы отписаться"
)
CLOSINGS, THANKS, DEVICE, POSTSCRIPT, NOTICE, LIST, SUBSCRIBED = (
    f"(?:{words})" for words in (_CLOSINGS, _THANKS, _DEVICE, _POSTSCRIPT, _NOTICE, _LIST, _SUBSCRIBED)
)
BRANDS = tuple(_BRANDS.split("|"))
SENT, SENT_LAST = f"(?:{_SENT})", f"(?:{_SENT_LAST})"
# For a search, beginnings are enough: RE2 takes long for long bounded repeats.
CLOSINGS_BEGIN, DEVICE_HINT = CLOSINGS.replace("[^\\n]{0,120}", ""), f"{SENT}|[^\\n]*(?:outlook|{SENT_LAST})"
