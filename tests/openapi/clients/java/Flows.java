// The flows of tests/openapi/generators.py with what openapi-generator makes for Java (native).
import java.util.List;
import mx2.device.api.DevAppApi;
import mx2.device.model.AppContext;
import mx2.device.model.AppContextAnswered;
import mx2.device.model.AppContextCreated;
import mx2.device.model.AppInfo;
import mx2.device.model.UserAppInstanceInfo;
import mx2.operator.api.OperatorApi;
import mx2.operator.model.TableChange;

public class Flows {
  private static final String HERE = "http://192.0.2.1:9000/here";
  private static final String THERE = "http://192.0.2.2:9000/there";

  private static void check(boolean right, String text) {
    if (!right) throw new IllegalStateException("FAILED: " + text);
    System.out.println("ok  " + text);
  }

  private static String address(AppContextAnswered context) {
    return context.getAppInfo().getUserAppInstanceInfo().get(0).getReferenceURI();
  }

  public static void main(String[] urls) throws Exception {
    var ofDevice = new mx2.device.ApiClient();
    ofDevice.updateBaseUri(urls[0]);
    var device = new DevAppApi(ofDevice);
    var ofOperator = new mx2.operator.ApiClient();
    ofOperator.updateBaseUri(urls[1]);
    var operator = new OperatorApi(ofOperator);

    var listed = device.getAppList(List.of("lambda"), null, null, null, null, null).getAppList();
    check(listed.size() == 1 && listed.get(0).getAppInfo().getAppDId().equals("lambda-1"), "app_list");
    var info = new AppInfo().appDId("lambda-1").appName("lambda").appProvider("Example").appDVersion("1.0")
        .addUserAppInstanceInfoItem(new UserAppInstanceInfo());
    var made = device.createAppContext(new AppContextCreated().associateDevAppId("java").appInfo(info), null);
    check(HERE.equals(address(made)), "create");
    var id = made.getContextId();
    check(HERE.equals(address(device.getAppContext(id, null, null, null))), "get");
    var told = java.net.URI.create("http://192.0.2.9:9100/told");
    device.updateAppContext(id, new AppContext().associateDevAppId("java").callbackReference(told).appInfo(info), null, null);
    check(told.equals(device.getAppContext(id, null, null, null).getCallbackReference()), "put");

    var hosts = operator.listHosts(null, null).getItems();
    check(hosts.size() == 2 && hosts.get(0).getId().equals("here"), "hosts");
    check(operator.getHost("here").getInstances().get(0).getReferenceURI().equals(HERE), "one host");
    check(operator.listApps(null, null).getItems().get(0).getAppDId().equals("lambda-1"), "apps");
    var rows = List.of(new TableChange().ue("dev:java").app("lambda-1").addTargetsItem("host:there"));
    var patched = operator.patchTable(rows, null);
    check(patched.getRows() == 1, "table patch");
    var explained = operator.explain("lambda-1", "java", null);
    check(explained.getFound() && "there".equals(explained.getHost())
        && explained.getSteps().get(0).getVerdict().equals("chosen"), "explain");
    check(operator.listVersions(null, null).getItems().get(0).getVersion().equals(patched.getTableVersion()), "history");
    var planned = operator.sendPlan("\"" + patched.getTableVersion() + "\"", rows, null, true);
    check(planned.getSkipped().getPinned() == 1, "plan");
    for (long end = System.nanoTime() + 10_000_000_000L; !THERE.equals(address(device.getAppContext(id, null, null, null)));) {
      if (System.nanoTime() > end) throw new IllegalStateException("FAILED: the context does not move");
      Thread.sleep(50);
    }
    check(true, "moved");

    device.deleteAppContext(id, null, null);
    try {
      device.getAppContext(id, null, null, null);
      check(false, "a context that has gone is refused");
    } catch (mx2.device.ApiException refused) {
      check(refused.getCode() == 404 && refused.getResponseBody().contains("urn:mx2:problem:not-found"), "deleted");
    }
  }
}
