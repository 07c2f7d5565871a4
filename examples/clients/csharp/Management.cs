// Manages users, groups and OpenID clients, as a caller with the rights for it. Nothing here is ever
// sent twice: each call is a write.
//
// NOT BUILT OR RUN by this repository's tests, as Program.cs beside it.

using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Grpc.Net.Client;
using Rownd.Auth.V1;

static class Management
{
    const string Id = "tess";
    const string Email = "tess@example.com";

    public static async Task Run(
        Func<string, Func<Task<string>>, Task> attempt, GrpcChannel channel, Func<CallOptions> call)
    {
        var auth = new RowndAuth.RowndAuthClient(channel);
        var users = new UserService.UserServiceClient(channel);
        var groups = new GroupService.GroupServiceClient(channel);
        var clients = new OidcClientService.OidcClientServiceClient(channel);

        async Task<string> Create()
        {
            var user = new User { Data = Data(("email", Email), ("first_name", "Tess")) };
            var request = new CreateUserRequest { UserId = Id, User = user };
            var made = (await users.CreateUserAsync(request, call())).User;
            return $"{made.Id} {made.Data.Fields["email"].StringValue}";
        }

        // All pages: a page may have fewer users than it may hold, and still have a next one.
        async Task<string> List()
        {
            var found = new List<string>();
            var request = new ListUsersRequest { UserIds = { "ann", Id }, PageSize = 1 };
            do
            {
                var page = await users.ListUsersAsync(request, call());
                found.AddRange(page.Users.Select(user => user.Id));
                request.PageToken = page.NextPageToken;
            } while (request.PageToken != "");
            return string.Join(",", found);
        }

        async Task<string> OpenIdClient()
        {
            var config = new OidcClientConfig { RedirectUris = { "https://example.com/callback" } };
            var client = new OidcClient { Name = "Web", Config = config };
            var create = new CreateOidcClientRequest { OidcClient = client };
            var made = (await clients.CreateOidcClientAsync(create, call())).OidcClient;
            // Keep the secret now: no other answer has it.
            var first = made.Credentials[0].HasSecret;
            var get = new GetOidcClientRequest { Id = made.Id };
            var read = (await clients.GetOidcClientAsync(get, call())).OidcClient;
            await clients.DeleteOidcClientAsync(new DeleteOidcClientRequest { Id = made.Id }, call());
            return $"secret at first {first}, later {read.Credentials[0].HasSecret}".ToLowerInvariant();
        }

        await attempt("create", Create);
        await attempt("create again", Create);
        await attempt("update", async () =>
        {
            var user = new User { Id = Id, Data = Data(("first_name", "Theresa")) };
            var mask = new FieldMask { Paths = { "data.first_name" } };
            var request = new UpdateUserRequest { User = user, UpdateMask = mask };
            var written = (await users.UpdateUserAsync(request, call())).User;
            return written.Data.Fields["first_name"].StringValue;
        });
        await attempt("list", List);
        await attempt("add to group", async () =>
        {
            var request = new AddGroupMemberRequest
            {
                GroupId = "group_staff", UserId = Id, Roles = { "editor" },
            };
            var member = (await groups.AddGroupMemberAsync(request, call())).Member;
            return $"{member.UserId} {string.Join(",", member.Roles)}";
        });
        // The link signs in everybody who opens it: it is for the user's mailbox, and for no log.
        await attempt("sign-in link", async () =>
        {
            var request = new CreateSignInLinkRequest
            {
                Email = Email, RedirectUrl = "https://example.com/welcome",
            };
            var answer = await users.CreateSignInLinkAsync(request, call());
            return answer.Link == "" ? "none" : $"for {answer.UserId}";
        });
        await attempt("OpenID client", OpenIdClient);
        await attempt("disable", async () =>
        {
            var request = new DisableUserRequest { UserId = Id };
            return (await users.DisableUserAsync(request, call())).User.State.ToString();
        });
        await attempt("sign out", async () =>
        {
            await users.SignOutUserAsync(new SignOutUserRequest { UserId = Id }, call());
            return "done";
        });
        await attempt("delete", async () =>
        {
            await users.DeleteUserAsync(new DeleteUserRequest { UserId = Id }, call());
            return "done";
        });
        await attempt("user", async () =>
        {
            var request = new GetUserRequest { UserId = Id };
            return (await auth.GetUserAsync(request, call())).User.Id;
        });
    }

    static Struct Data(params (string Name, string Value)[] fields)
    {
        var made = new Struct();
        foreach (var (name, value) in fields)
            made.Fields[name] = Value.ForString(value);
        return made;
    }
}
