"""Compares attnviz's tokenizers with the reference, Hugging Face's `tokenizers`, on millions of texts.

subjects.py makes the tokenizers' directories, inputs.py the texts, comparison.py asks both sides;
sweep.py puts them together. scripts/sweep_tokenizers runs all of it, tests/tokens_parity.py a sample.
"""
