// The flows of tests/openapi/generators.py with what openapi-generator makes for Go.
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"time"

	// Those that the flows do not use are compiled, too.
	_ "flows/app_pkgm"
	device "flows/device"
	_ "flows/mepm"
	operator "flows/operator"
	_ "flows/optimizer"
)

const here, there = "http://192.0.2.1:9000/here", "http://192.0.2.2:9000/there"

func check(right bool, text string) {
	if !right {
		log.Fatalf("FAILED: %s", text)
	}
	fmt.Println("ok ", text)
}

// The answer of a call that must succeed.
func need[Answer any, Response any](answer Answer, _ Response, err error) Answer {
	if err != nil {
		log.Fatalf("FAILED: %v", err)
	}
	return answer
}

func address(made *device.AppContextAnswered) string {
	return made.AppInfo.UserAppInstanceInfo[0].GetReferenceURI()
}

func main() {
	ctx := context.Background()
	of_device := device.NewConfiguration()
	of_device.Servers = device.ServerConfigurations{{URL: os.Args[1]}}
	mx2 := device.NewAPIClient(of_device).DevAppAPI
	of_operator := operator.NewConfiguration()
	of_operator.Servers = operator.ServerConfigurations{{URL: os.Args[2]}}
	ops := operator.NewAPIClient(of_operator).OperatorAPI

	listed := need(mx2.GetAppList(ctx).AppName([]string{"lambda"}).Execute()).AppList
	check(len(listed) == 1 && listed[0].AppInfo.AppDId == "lambda-1", "app_list")
	info := *device.NewAppInfo("lambda", "Example", "1.0", []device.UserAppInstanceInfo{{}})
	made := need(mx2.CreateAppContext(ctx).AppContextCreated(*device.NewAppContextCreated("go", info)).Execute())
	check(address(made) == here, "create")
	check(address(need(mx2.GetAppContext(ctx, made.ContextId).Execute())) == here, "get")
	changed := device.NewAppContext("go", info)
	changed.SetCallbackReference("http://192.0.2.9:9100/told")
	_, err := mx2.UpdateAppContext(ctx, made.ContextId).AppContext(*changed).Execute()
	check(err == nil, "put")

	hosts := need(ops.ListHosts(ctx).Execute()).Items
	check(len(hosts) == 2 && hosts[0].Id == "here", "hosts")
	check(need(ops.GetHost(ctx, "here").Execute()).Instances[0].ReferenceURI == here, "one host")
	check(need(ops.ListApps(ctx).Execute()).Items[0].AppDId == "lambda-1", "apps")
	row := operator.NewTableChange("dev:go", "lambda-1")
	row.Targets = []string{"host:there"}
	rows := []operator.TableChange{*row}
	patched := need(ops.PatchTable(ctx).TableChange(rows).Execute())
	check(patched.Rows == 1, "table patch")
	explained := need(ops.Explain(ctx).App("lambda-1").Ue("go").Execute())
	check(explained.Found && explained.GetHost() == "there" && explained.Steps[0].Verdict == "chosen", "explain")
	check(need(ops.ListVersions(ctx).Execute()).Items[0].Version == patched.TableVersion, "history")
	version := fmt.Sprintf("%q", fmt.Sprint(patched.TableVersion))
	planned := need(ops.SendPlan(ctx).IfMatch(version).TableChange(rows).DryRun(true).Execute())
	check(planned.Skipped.Pinned == 1, "plan")
	for deadline := time.Now().Add(10 * time.Second); address(need(mx2.GetAppContext(ctx, made.ContextId).Execute())) != there; {
		if time.Now().After(deadline) {
			log.Fatal("FAILED: the context does not move")
		}
		time.Sleep(50 * time.Millisecond)
	}
	check(true, "moved")

	_, err = mx2.DeleteAppContext(ctx, made.ContextId).Execute()
	check(err == nil, "delete")
	_, _, err = mx2.GetAppContext(ctx, made.ContextId).Execute()
	refused, ok := err.(*device.GenericOpenAPIError)
	check(ok, "a context that has gone is refused")
	problem, ok := refused.Model().(device.ProblemDetails)
	check(ok && problem.Type == "urn:mx2:problem:not-found", "deleted")
}
