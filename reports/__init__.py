"""What people look at: one self-contained HTML page of one or several campaigns.

python -m reports                 the newest campaign, to reports/html/index.html
"""
