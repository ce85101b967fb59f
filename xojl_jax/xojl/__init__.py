"""The XOJL language: trees and their JSON form, the codebook, records, tokens and their grammar."""
