"""Self-contained HTML pages: one of one or several campaigns, one of a reproduction.

python -m reports                 the newest of each, to reports/html/index.html and reproduction.html
python -m reports.across          two campaigns compared, or many of one machine as its history
"""
