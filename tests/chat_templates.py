"""Chat templates of five families of models, as their makers publish them, and a tokenizer that knows their tokens."""

from functools import cache

CHATML = """\
{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}\
{{ '<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>\n' }}{% endif %}\
{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}{% endfor %}\
{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"""

LLAMA_3 = """\
{% set loop_messages = messages %}{% for message in loop_messages %}\
{% set content = '<|start_header_id|>' + message['role'] + '<|end_header_id|>\n\n'+ message['content'] | trim + \
'<|eot_id|>' %}{% if loop.index0 == 0 %}{% set content = bos_token + content %}{% endif %}{{ content }}{% endfor %}\
{% if add_generation_prompt %}{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{% endif %}"""

GEMMA = """\
{{ bos_token }}{% if messages[0]['role'] == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}\
{% for message in messages %}{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}\
{{ raise_exception('Conversation roles must alternate user/assistant/user/assistant/...') }}{% endif %}\
{% if (message['role'] == 'assistant') %}{% set role = 'model' %}{% else %}{% set role = message['role'] %}{% endif %}\
{{ '<start_of_turn>' + role + '\n' + message['content'] | trim + '<end_of_turn>\n' }}{% endfor %}\
{% if add_generation_prompt %}{{'<start_of_turn>model\n'}}{% endif %}"""

MISTRAL = """\
{{ bos_token }}{% for message in messages %}{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}\
{{ raise_exception('Conversation roles must alternate user/assistant/user/assistant/...') }}{% endif %}\
{% if message['role'] == 'user' %}{{ '[INST] ' + message['content'] + ' [/INST]' }}\
{% elif message['role'] == 'assistant' %}{{ message['content'] + eos_token}}\
{% else %}{{ raise_exception('Only user and assistant roles are supported!') }}{% endif %}{% endfor %}"""

PHI_3 = """\
{% for message in messages %}{% if message['role'] == 'system' %}{{'<|system|>\n' + message['content'] + '<|end|>\n'}}\
{% elif message['role'] == 'user' %}{{'<|user|>\n' + message['content'] + '<|end|>\n'}}\
{% elif message['role'] == 'assistant' %}{{'<|assistant|>\n' + message['content'] + '<|end|>\n'}}{% endif %}\
{% endfor %}{% if add_generation_prompt %}{{ '<|assistant|>\n' }}{% else %}{{ eos_token }}{% endif %}"""

ZEPHYR = """\
{% for message in messages %}\n{% if message['role'] == 'user' %}\n\
{{ '<|user|>\n' + message['content'] + eos_token }}\n\
{% elif message['role'] == 'system' %}\n{{ '<|system|>\n' + message['content'] + eos_token }}\n\
{% elif message['role'] == 'assistant' %}\n{{ '<|assistant|>\n'  + message['content'] + eos_token }}\n{% endif %}\n\
{% if loop.last and add_generation_prompt %}\n{{ '<|assistant|>' }}\n{% endif %}\n{% endfor %}"""

# The calls of Qwen 2.5 and Hermes.
HERMES = """\
{%- if tools %}{{- '<|im_start|>system\nTools:' }}{%- for tool in tools %}{{- '\n' + tool | tojson }}{%- endfor %}\
{{- '<|im_end|>\n' }}{%- endif %}{%- for message in messages %}\
{%- if message.role == 'assistant' and message.tool_calls %}\
{{- '<|im_start|>assistant' }}{%- if message.content %}{{- '\n' + message.content }}{%- endif %}\
{%- for call in message.tool_calls %}{%- set call = call.function %}\
{{- '\n<tool_call>\n{"name": "' + call.name + '", "arguments": ' + call.arguments | tojson + '}\n</tool_call>' }}\
{%- endfor %}{{- '<|im_end|>\n' }}{%- elif message.role == 'tool' %}\
{{- '<|im_start|>user\n<tool_response>\n' + message.content + '\n</tool_response><|im_end|>\n' }}\
{%- else %}{{- '<|im_start|>' + message.role + '\n' + message.content + '<|im_end|>\n' }}{%- endif %}{%- endfor %}\
{%- if add_generation_prompt %}{{- '<|im_start|>assistant\n' }}{%- endif %}"""

# What Llama 3.1 writes of a call, of which it allows one, without the words before it.
LLAMA_3_1 = LLAMA_3.replace(
    "{% set content = '<|start",
    """{% if message.tool_calls %}{% if message.tool_calls | length != 1 %}\
{{ raise_exception('This model only supports single tool-calls at once!') }}{% endif %}\
{% set call = message.tool_calls[0].function %}{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}\
{{ '{"name": "' + call.name + '", "parameters": ' }}{{ call.arguments | tojson }}{{ '}<|eot_id|>' }}{% else %}\
{% set content = '<|start""",
).replace("{{ content }}{% endfor %}", "{{ content }}{% endif %}{% endfor %}")

_OF_CALLS = "{%% elif message.tool_calls %%}%s{%% elif message['role'] == 'assistant' %%}"


def _mistral(calls: str) -> str:
    return MISTRAL.replace("{% elif message['role'] == 'assistant' %}", _OF_CALLS % calls)


# The calls of Mistral 7B v0.3: a list behind a control token, each with an id of nine letters; and of Mistral Small 3.
MISTRAL_3 = _mistral("""\
{{ '[TOOL_CALLS] [' }}{% for call in message.tool_calls %}{% set out = call.function | tojson %}{{ out[:-1] }}\
{% if call.id | length != 9 %}{{ raise_exception('Tool call IDs should be alphanumeric strings with length 9!') }}\
{% endif %}{{ ', "id": "' + call.id + '"}' }}{{ ', ' if not loop.last else ']' + eos_token }}{% endfor %}""")
MISTRAL_11 = _mistral("""\
{{ message.content }}{% for call in message.tool_calls %}\
{{ '[TOOL_CALLS]' + call.function.name + '[ARGS]' + call.function.arguments | tojson }}{% endfor %}{{ eos_token }}""")
# The calls of DeepSeek V3: names between control tokens, arguments in a fence.
DEEPSEEK = _mistral("""\
{{ message.content + '<|calls_begin|>' }}{% for call in message.tool_calls %}\
{{ '<|call_begin|>function<|sep|>' + call.function.name + '\n```json\n' + call.function.arguments | tojson }}\
{{ '\n```<|call_end|>' + ('\n' if not loop.last else '') }}{% endfor %}{{ '<|calls_end|>' + eos_token }}""")
# The calls of Granite 3 and Phi 4 mini: one list between tags.
TAGGED = _mistral("""\
{{ message.content + '<|tool_call|>[' }}{% for call in message.tool_calls %}{{ call.function | tojson }}\
{{ ', ' if not loop.last }}{% endfor %}{{ ']<|/tool_call|>' + eos_token }}""")
# Calls as a program: a form that is not read.
PYTHONIC = _mistral("""\
{{ message.content }}[{% for call in message.tool_calls %}{{ call.function.name }}({% for key, value in \
call.function.arguments.items() %}{{ key }}={{ value }}{{ ', ' if not loop.last }}{% endfor %})\
{{ ', ' if not loop.last }}{% endfor %}]{{ eos_token }}""")

# A prompt ends with the beginning of a thought, which no given response has.
THINKING = CHATML.replace("{{ '<|im_start|>assistant\n' }}", "{{ '<|im_start|>assistant\n<think>\n' }}")

CONTROLS = [
    *("<s>", "</s>", "<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|start_header_id|>", "<|end_header_id|>"),
    *("[TOOL_CALLS]", "[ARGS]", "<|calls_begin|>", "<|call_begin|>", "<|sep|>", "<|call_end|>", "<|calls_end|>"),
    *("<|eot_id|>", "<start_of_turn>", "<end_of_turn>", "<|system|>", "<|user|>", "<|assistant|>", "<|end|>"),
]
CORPUS = [
    "You are a librarian. Which books are due today? Emma and Persuasion are due.\n\nNone is (yet) late.",
    "user\n\n\n\nassistant\n\n\n\nmodel\n\n\n\nsystem\n\n\n\nUser: Assistant: [INST] [/INST]",
]


@cache
def _trained():
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=400, special_tokens=CONTROLS, initial_alphabet=alphabet)
    tokenizer.train_from_iterator(CORPUS * 4, trainer)
    return tokenizer.to_str()


def tokenizer(template: str | None, end: str | None = "</s>"):
    """Return a byte-level BPE tokenizer with a chat template."""
    from tokenizers import Tokenizer
    from transformers import PreTrainedTokenizerFast

    made = PreTrainedTokenizerFast(tokenizer_object=Tokenizer.from_str(_trained()), bos_token="<s>", eos_token=end)
    made.chat_template = template
    return made
