"""The field console: a local web application and HTTP API to teach and watch a learner."""
