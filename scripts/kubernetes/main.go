// Checks deployment files for tests, with the code of those who define them, and prints the problems as a JSON list:
//
//   - a directory is built by Kustomize, and a file is read unchanged;
//   - each object must be one of the API, or of the Prometheus Operator, without unknown fields;
//   - each pod must pass the Pod Security Standard "restricted";
//   - a JSON file must be a dashboard of Grafana.
//
// Usage: kubernetes <directory or file>...
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/prometheus"
	"github.com/grafana/grafana-foundation-sdk/go/stat"
	"github.com/grafana/grafana-foundation-sdk/go/timeseries"
	monitoring "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	apps "k8s.io/api/apps/v1"
	batch "k8s.io/api/batch/v1"
	core "k8s.io/api/core/v1"
	rbac "k8s.io/api/rbac/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
)

var problems = []string{}

func main() {
	// Compiling all kinds of panels takes longer than everything else.
	grafana := cog.NewRuntime()
	grafana.RegisterPanelcfgVariant(stat.VariantConfig())
	grafana.RegisterPanelcfgVariant(timeseries.VariantConfig())
	grafana.RegisterDataqueryVariant(prometheus.VariantConfig())
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{core.AddToScheme, apps.AddToScheme, batch.AddToScheme, rbac.AddToScheme, monitoring.AddToScheme} {
		must(add(scheme))
	}
	decoder := serializer.NewCodecFactory(scheme, serializer.EnableStrict).UniversalDeserializer()
	evaluator, err := policy.NewEvaluator(policy.DefaultChecks())
	must(err)
	for _, path := range os.Args[1:] {
		if strings.HasSuffix(path, ".json") {
			checkDashboard(path)
			continue
		}
		for _, document := range strings.Split(read(path), "\n---\n") {
			object, _, err := decoder.Decode([]byte(document), nil, nil)
			if err != nil {
				report(path, err.Error())
				continue
			}
			pod, metadata := podOf(object)
			if pod == nil {
				continue
			}
			restricted := api.LevelVersion{Level: api.LevelRestricted, Version: api.LatestVersion()}
			for _, result := range evaluator.EvaluatePod(restricted, metadata, pod) {
				if !result.Allowed {
					report(path, result.ForbiddenReason+": "+result.ForbiddenDetail)
				}
			}
		}
	}
	text, err := json.Marshal(problems)
	must(err)
	fmt.Println(string(text))
}

func read(path string) string {
	info, err := os.Stat(path)
	must(err)
	if !info.IsDir() {
		text, err := os.ReadFile(path)
		must(err)
		return string(text)
	}
	resources, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), path)
	must(err)
	text, err := resources.AsYaml()
	must(err)
	return string(text)
}

func podOf(object runtime.Object) (*core.PodSpec, *meta.ObjectMeta) {
	var template *core.PodTemplateSpec
	switch each := object.(type) {
	case *apps.Deployment:
		template = &each.Spec.Template
	case *apps.DaemonSet:
		template = &each.Spec.Template
	case *apps.StatefulSet:
		template = &each.Spec.Template
	case *batch.Job:
		template = &each.Spec.Template
	case *batch.CronJob:
		template = &each.Spec.JobTemplate.Spec.Template
	default:
		return nil, nil
	}
	return &template.Spec, &template.ObjectMeta
}

func checkDashboard(path string) {
	text, err := os.ReadFile(path)
	must(err)
	var found dashboard.Dashboard
	// An empty list of problems is an error without a message.
	for _, err := range []error{found.UnmarshalJSONStrict(text), found.Validate()} {
		if err != nil && err.Error() != "" {
			report(path, err.Error())
		}
	}
	// Of a panel of another type, nothing is checked.
	var shown struct{ Panels []struct{ Type string } }
	must(json.Unmarshal(text, &shown))
	for _, panel := range shown.Panels {
		if _, isKnown := cog.ConfigForPanelcfgVariant(panel.Type); !isKnown && panel.Type != "row" {
			report(path, "main registers no panels of the type "+panel.Type)
		}
	}
}

func report(path string, problem string) {
	problems = append(problems, path+": "+problem)
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
}
