"""The stage `finetune`: see __main__.py."""
