"""What pages of these tests have in common."""

# A title over two cards in a row; the first has a link that looks like a button.
CARDS = """<!doctype html><title>t</title><style>
*{box-sizing:border-box}body{margin:0;font:16px/1.5 sans-serif;color:#234}
section{padding:48px 5%;background:#f4f6f8}h2{margin:0 0 16px;font-size:32px;text-align:center}
.row{display:flex;gap:24px}.card{flex:1 1 40%;padding:20px;background:#fff;border:1px solid #ccd}
.card h3{margin:0 0 8px;font-size:20px;color:#a12}a{display:inline-block;padding:8px 16px;
background:#0a6;color:#fff;border-radius:6px;margin-top:12px}</style>
"""
