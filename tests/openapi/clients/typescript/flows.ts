// The flows of tests/openapi/generators.py with what openapi-generator makes for TypeScript (fetch).
import * as device from './device';
import * as operator from './operator';

function check(right: boolean, text: string): void {
  if (!right) throw new Error(`FAILED: ${text}`);
  console.log(`ok  ${text}`);
}

async function main(mx2Url: string, operatorUrl: string): Promise<void> {
  const mx2 = new device.DevAppApi(new device.Configuration({basePath: mx2Url}));
  const ops = new operator.OperatorApi(new operator.Configuration({basePath: operatorUrl}));

  const listed = (await mx2.getAppList({appName: ['lambda']})).appList;
  check(listed.length === 1 && listed[0].appInfo.appDId === 'lambda-1', 'app_list');
  const appInfo: device.AppInfo = {
    appDId: 'lambda-1', appName: 'lambda', appProvider: 'Example', appDVersion: '1.0', userAppInstanceInfo: [{}]};
  const made = await mx2.createAppContext({appContextCreated: {associateDevAppId: 'typescript', appInfo}});
  const contextId = made.contextId;
  const address = (context: device.AppContextAnswered) => context.appInfo.userAppInstanceInfo[0].referenceURI;
  check(address(made) === 'http://192.0.2.1:9000/here', 'create');
  const read = await mx2.getAppContext({contextId});
  check(address(read) === 'http://192.0.2.1:9000/here', 'get');
  await mx2.updateAppContext({contextId, appContext: {...read, callbackReference: 'http://192.0.2.9:9100/told'}});
  check((await mx2.getAppContext({contextId})).callbackReference === 'http://192.0.2.9:9100/told', 'put');

  const hosts = (await ops.listHosts()).items;
  check(hosts.map(host => host.id).join() === 'here,there', 'hosts');
  check((await ops.getHost({id: 'here'})).instances[0].referenceURI === 'http://192.0.2.1:9000/here', 'one host');
  check((await ops.listApps()).items.map(app => app.appDId).join() === 'lambda-1', 'apps');
  const rows: operator.TableChange[] = [{ue: 'dev:typescript', app: 'lambda-1', targets: ['host:there']}];
  const patched = await ops.patchTable({tableChange: rows});
  check(patched.rows === 1, 'table patch');
  const explained = await ops.explain({app: 'lambda-1', ue: 'typescript'});
  check(explained.found && explained.host === 'there' && explained.steps[0].verdict === 'chosen', 'explain');
  check((await ops.listVersions()).items[0].version === patched.tableVersion, 'history');
  const planned = await ops.sendPlan({ifMatch: `"${patched.tableVersion}"`, tableChange: rows, dryRun: true});
  check(planned.skipped.pinned === 1, 'plan');
  const deadline = Date.now() + 10000;
  while (address(await mx2.getAppContext({contextId})) !== 'http://192.0.2.2:9000/there') {
    if (Date.now() > deadline) throw new Error('FAILED: the context does not move');
    await new Promise(resolve => setTimeout(resolve, 50));
  }
  check(true, 'moved');

  await mx2.deleteAppContext({contextId});
  const refused = await mx2.getAppContext({contextId}).then(() => undefined, error => error as device.ResponseError);
  const problem = device.ProblemDetailsFromJSON(await refused?.response.json());
  check(refused?.response.status === 404 && problem.type === 'urn:mx2:problem:not-found', 'deleted');
}

main(process.argv[2], process.argv[3]).catch(error => {
  console.error(error);
  process.exit(1);
});
