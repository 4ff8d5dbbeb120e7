// Reeve's rules and dashboards as a monitoring mixin (monitoring.mixins.dev): the shipped files, fitted by
// _config. docs/grafana.md says how to use it.
//
//   jsonnet -e '(import "mixin.libsonnet").prometheusAlerts' >alerts.yaml
{
  _config+:: {
    // The scrape job of Reeve's metrics listeners.
    job: 'reeve',
    // What comes before the relative link of each alert's runbook_url.
    runbookBase: '',
    // Replaced by the alert's name: severities of your own. {SupervisordProcessFlapping: 'info'}
    severities: {},
    // Alerts that are left out.
    disabled: [],
    dashboardTags: ['reeve', 'supervisord'],
    // Grafana's default, e.g. '30s'.
    dashboardRefresh: '30s',
  },

  local config = self._config,
  local groups = std.parseYaml(importstr '../prometheus/reeve.rules.yml').groups,

  local fitted(rule) = rule {
    expr: std.strReplace(super.expr, 'job="reeve"', 'job="%s"' % config.job),
    [if std.objectHas(config.severities, rule.alert) then 'labels']+: {
      severity: config.severities[rule.alert],
    },
    annotations+: { runbook_url: config.runbookBase + super.runbook_url },
  },

  local only(kind, fit) = [
    group { rules: [fit(rule) for rule in group.rules if std.objectHas(rule, kind)] }
    for group in groups
    if std.length([rule for rule in group.rules if std.objectHas(rule, kind)]) > 0
  ],

  prometheusRules+:: { groups+: only('record', function(rule) rule) },
  prometheusAlerts+:: {
    groups+: [
      group { rules: [rule for rule in group.rules if !std.member(config.disabled, rule.alert)] }
      for group in only('alert', fitted)
    ],
  },

  local board(dashboard) = dashboard {
    tags: config.dashboardTags,
    refresh: config.dashboardRefresh,
    links: [link { tags: [config.dashboardTags[0]] } for link in super.links],
  },

  grafanaDashboards+:: {
    'fleet.json': board(import '../../grafana/fleet.json'),
    'process.json': board(import '../../grafana/process.json'),
  },
}
