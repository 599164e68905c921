"""The pages: Jinja2 templates that work without JavaScript under a strict content policy, and the server's own small answers.

Routes: `/setup`, `/welcome`, `/signin`, `/signup`, `/signout`, `/device`, `/oauth/authorize`, `/authorize`, `/settings/…`, `/`,
`/{entity}`, `/{entity}/{project}`, `/{entity}/{project}/runs/{run}`, `/static/…`, `/healthz`, `/readyz`, `/.well-known/runkey`. What they
show is asked of the rooms below; nothing is decided here.
"""
