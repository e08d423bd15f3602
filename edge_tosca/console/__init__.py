"""The field console: a local web application and HTTP API to train and observe a learner."""
