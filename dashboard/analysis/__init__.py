"""What is studied of runs: their recorded quantities as tables and as Plotly's figures."""
